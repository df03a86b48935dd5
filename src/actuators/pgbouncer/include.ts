import type {PgbouncerDatabase} from '../../core/actuator-settings.ts'

/**
 * Where an entry of PgBouncer's `[databases]` leads. `host` may be a list, `a,b`: its connections
 * take turns (since 1.17).
 */
export type Pointer = Readonly<{host: string; port: number}>

/**
 * Where an entry leads while no host may serve it: a unix socket in a folder that is not there, so
 * that a connection fails at once and reaches nobody. Then it is as with a server that is down: who
 * waits already goes on waiting (query_wait_timeout), and who asks anew is refused - while it is
 * paused, he waits too. Rejected: no entry (it drops the clients that are there, seen in 1.18), and
 * DISABLE (those go on with the server connections that they have).
 */
export const nowhere: Pointer = {host: '/pgroute66/nowhere', port: 1}

export const isNowhere = ({host, port}: Pointer): boolean => host === nowhere.host && port === nowhere.port

const firstLine = ';; Written by pgroute66 whenever the verdict moves something: what is changed here by hand is lost.'
const header = `${firstLine}\n;; pgbouncer.ini names this file with %include.\n[databases]\n`

/** Nobody else's: it may be rewritten. */
export const isOurs = (text: string): boolean => text.trim() === '' || text.startsWith(firstLine)

/** The lines of our own file, by database. */
export const linesOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split('\n')
      .flatMap((line) => (line.startsWith(';') ? [] : [[/^(\S+) = /.exec(line)?.[1] ?? '', line] as const]))
      .filter(([name]) => name !== ''),
  )

/** Where a line of ours leads; `null`: it is none. */
export function pointerOf(line: string): Pointer | null {
  const [, quoted, plain, port] = /^\S+ = host=(?:'((?:[^']|'')*)'|(\S+)) port=(\d+) /.exec(line) ?? []
  const host = quoted?.replaceAll("''", "'") ?? plain
  return host === undefined ? null : {host, port: Number(port)}
}

/** What a move leaves alone: names and options. */
export const withoutPointers = (text: string): string =>
  text.replaceAll(/^(\S+ =) host=(?:'(?:[^']|'')*'|\S+) port=\d+ /gm, '$1 ')

/**
 * `name` as it stands: 1.18 takes letters, digits, `_`, `-` and `.` there, and no quotes (seen).
 */
export const lineOf = (name: string, {host, port}: Pointer, {dbname, options}: PgbouncerDatabase): string =>
  `${name} = host=${quoted(host)} port=${port} dbname=${quoted(dbname ?? name)}${options === null ? '' : ` ${options}`}`

export const includeOf = (lines: readonly string[]): string => header + lines.map((line) => `${line}\n`).join('')

const quoted = (value: string) => (/^[A-Za-z0-9_.:,/@%-]+$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`)
