import type {Report} from '../reading/report.ts'
import type {Read} from '../reading/shape.ts'
import {type Environment, variable} from './environment.ts'
import {type Keyword, keywords} from './keywords.ts'

export type ConnectionEnv = Readonly<{
  env: Environment
  /** What relative paths are relative to. */
  directory: string
  encoding: 'base64' | 'plain'
  report: Report
}>

/** The value of libpq's variable for a keyword. A wrong value is reported once. */
export function fromEnvironment<K extends Keyword>(
  keyword: K,
  name: string,
  {env, report}: ConnectionEnv,
): Read<(typeof keywords)[K]> | null {
  const value = variable(env, name)
  if (value === null || !report.isClean(`$${name}`)) return null
  return keywords[keyword].read(value, `$${name}`, report) as Read<(typeof keywords)[K]>
}
