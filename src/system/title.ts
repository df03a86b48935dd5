/**
 * Sets what ps, top and pgrep show for this process. A connection string among its arguments may
 * contain a password, and all users of the machine may read the arguments.
 */
export function showAs(command: string, config: string | undefined): void {
  process.title = `pgroute66 ${command}${config === undefined ? '' : ` -c ${config}`}`
}
