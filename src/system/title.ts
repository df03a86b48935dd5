/**
 * As ps, top and pgrep show this process from now on. A connection string among its arguments may
 * hold a password, and everybody may read those.
 */
export function showAs(command: string, config: string | undefined): void {
  process.title = `pgroute66 ${command}${config === undefined ? '' : ` -c ${config}`}`
}
