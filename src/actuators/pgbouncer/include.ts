import type {PgbouncerDatabase} from '../../core/actuator-settings.ts'

/**
 * Where an entry of PgBouncer's `[databases]` leads. `host` may be a list, `a,b`: PgBouncer
 * connects to each in turn (since 1.17).
 */
export type Pointer = Readonly<{host: string; port: number}>

/**
 * Where an entry leads while no host may serve it: a unix socket in a folder that does not exist. A
 * connection fails at once and reaches no server, as if the server were down. Clients that wait
 * already go on waiting (query_wait_timeout). PgBouncer refuses new clients, or lets them wait too
 * while the database is paused. Rejected: no entry (PgBouncer drops the connected clients, seen in
 * 1.18), and DISABLE (connected clients keep their server connections).
 */
export const nowhere: Pointer = {host: '/pgroute66/nowhere', port: 1}

export const isNowhere = ({host, port}: Pointer): boolean => host === nowhere.host && port === nowhere.port

/** Also the mark of a file that the daemon may rewrite, in every version: the text must not change. */
const firstLine = ';; Written by pgroute66 whenever the verdict moves something: what is changed here by hand is lost.'
const header = `${firstLine}\n;; pgbouncer.ini names this file with %include.\n[databases]\n`

/** The daemon may rewrite the file: it is empty, or the daemon has written it. */
export const isOurs = (text: string): boolean => text.trim() === '' || text.startsWith(firstLine)

/** The lines of the include file, by database. */
export const linesOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split('\n')
      .flatMap((line) => (line.startsWith(';') ? [] : [[/^(\S+) = /.exec(line)?.[1] ?? '', line] as const]))
      .filter(([name]) => name !== ''),
  )

/** Where a line of the include file leads; `null`: the daemon did not write this line. */
export function pointerOf(line: string): Pointer | null {
  const [, quoted, plain, port] = /^\S+ = host=(?:'((?:[^']|'')*)'|(\S+)) port=(\d+) /.exec(line) ?? []
  const host = quoted?.replaceAll("''", "'") ?? plain
  return host === undefined ? null : {host, port: Number(port)}
}

/** The text without hosts and ports: the names and options, which a move does not touch. */
export const withoutPointers = (text: string): string =>
  text.replaceAll(/^(\S+ =) host=(?:'(?:[^']|'')*'|\S+) port=\d+ /gm, '$1 ')

/** `name` is not quoted: 1.18 takes letters, digits, `_`, `-` and `.` there, and no quotes (seen). */
export const lineOf = (name: string, {host, port}: Pointer, {dbname, options}: PgbouncerDatabase): string =>
  `${name} = host=${quoted(host)} port=${port} dbname=${quoted(dbname ?? name)}${options === null ? '' : ` ${options}`}`

export const includeOf = (lines: readonly string[]): string => header + lines.map((line) => `${line}\n`).join('')

const quoted = (value: string) => (/^[A-Za-z0-9_.:,/@%-]+$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`)
