import {chmodSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/**
 * Every temporary folder of every test lies in one, which goes with the run: also those of tests
 * that were ended half-way.
 */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'pg66-'))
  // PostgreSQL's account, and HAProxy's, have to pass through.
  chmodSync(folder, 0o755)
  process.env.TMPDIR = folder
  return () => rmSync(folder, {recursive: true, force: true, maxRetries: 5})
}
