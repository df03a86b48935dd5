import {randomUUID} from 'node:crypto'
import {existsSync, readFileSync} from 'node:fs'
import {until} from './pg-until.ts'

/** What a PostgreSQL has written to its log. The file is shared by all tests of a server. */
export interface ServerLog {
  log(): string
  /** Every line of the backend `pid`; waits until the backend is gone. */
  logOf(pid: number): Promise<readonly string[]>
  /** Every line that the server writes until `run` and all sessions of `pgroute66` are over. */
  logDuring(run: () => Promise<unknown>): Promise<readonly string[]>
}

/** `sql` runs a statement on the server and returns its output. */
export function serverLog(file: string, sql: (text: string) => string): ServerLog {
  const log = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  const gone = (which: string) =>
    until(
      () => sql(`select count(*) from pg_stat_activity where ${which}`),
      (count) => count === '0',
    )
  /**
   * Writes a line of its own and waits for the line. PostgreSQL's collector writes in the order of
   * arrival, so all earlier lines are there.
   */
  const fence = async () => {
    const text = `fence ${randomUUID()}`
    sql(`do $$ begin raise log '${text}'; end $$`)
    const lines = await until(
      () => log().split('\n'),
      (found) => found.some((line) => line.includes(text)),
    )
    return {lines, number: lines.findIndex((line) => line.includes(text))}
  }
  const isFence = (line: string) => /fence [0-9a-f-]{36}|inline_code_block/.test(line)
  return {
    log,
    async logOf(pid) {
      await gone(`pid = ${pid}`)
      const {lines} = await fence()
      return lines.filter((line) => line.includes(` [${pid}] `))
    },
    async logDuring(run) {
      const before = await fence()
      await run()
      await gone("application_name = 'pgroute66'")
      const after = await fence()
      return after.lines.slice(before.number, after.number).filter((line) => !isFence(line))
    },
  }
}
