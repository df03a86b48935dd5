import {join, resolve} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import {readFile, stat} from '../../system/files.ts'
import {homeOf, variable} from './environment.ts'
import type {ConnectionEnv} from './from-environment.ts'
import {isKeyword} from './keyword-values.ts'

type Given = ReadonlyMap<string, string>
type Env = Pick<ConnectionEnv, 'env' | 'directory'>

/** Where distributions build libpq to look, after $PGSYSCONFDIR. */
const systemFiles = ['/etc/postgresql-common/pg_service.conf', '/etc/sysconfig/pgsql/pg_service.conf']

/**
 * The keywords of a connection service (PostgreSQL documentation, 34.17 "The Connection Service
 * File"). `file`: that of the keyword `servicefile`. Throws OperatorError; no message quotes a line.
 */
export async function serviceOf(name: string, file: string | null, {env, directory}: Env): Promise<Given> {
  const named = file ?? variable(env, 'PGSERVICEFILE')
  const folder = variable(env, 'PGSYSCONFDIR')
  const own = named === null ? join(homeOf(env), '.pg_service.conf') : resolve(directory, named)
  const others = folder === null ? systemFiles : [join(folder, 'pg_service.conf')]
  for (const path of [own, ...others]) {
    const text = await textOf(path, path === own && named !== null)
    const found = text === null ? null : sectionOf(text, name, path)
    if (found !== null) return found
  }
  throw refusal(
    `names a service that neither ${own} nor ${others.join(' nor ')} defines`,
    `Add the section to a file, or name the file with PGSERVICEFILE.`,
  )
}

/** What is given wins over the service; libpq's environment comes after both. */
export function withService(given: Given, service: Given): Map<string, string> {
  const merged = new Map([...given].filter(([key, value]) => value !== '' && !isServiceKey(key)))
  const isSslGiven = merged.has('sslmode') || merged.has('requiressl')
  for (const [key, value] of service)
    if (!merged.has(key) && !(isSslGiven && ['sslmode', 'requiressl'].includes(key))) merged.set(key, value)
  return merged
}

export const isServiceKey = (key: string): boolean => key === 'service' || key === 'servicefile'

async function textOf(path: string, isNamed: boolean): Promise<string | null> {
  try {
    if ((await stat(path)).isFile()) return await readFile(path, 'utf8')
    throw refusal(`needs ${path}, which is not a plain file`, 'Name a file.')
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    if (!isNamed && (code === 'ENOENT' || code === 'ENOTDIR')) return null
    throw refusal(`needs ${path}, which cannot be read (${code})`, 'Correct the path, or let this user read the file.')
  }
}

/** `null`: the file does not define the service. As in libpq, the first value of a keyword counts. */
function sectionOf(text: string, name: string, path: string): Given | null {
  let found: Map<string, string> | null = null
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    const at = `${path} line ${index + 1}`
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('[')) {
      if (found !== null) return found
      if (line.startsWith(`[${name}]`)) found = new Map()
      continue
    }
    if (found === null) continue
    if (line.startsWith('ldap'))
      throw refusal(`is looked up by LDAP in ${at}, which pgroute66 cannot do`, 'Write the keywords there.')
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(line) ?? []
    if (isServiceKey(key)) throw refusal(`names another service in ${at}`, 'Write its keywords there.')
    if (!isKeyword(key)) throw refusal(`has no keyword of libpq in ${at}`, 'Write keyword=value there.')
    if (!found.has(key)) found.set(key, value)
  }
  return found
}

const refusal = (message: string, next: string) => new OperatorError('CONFIG_SERVICE', message, next)
