import {dirname, resolve} from 'node:path'
import {OperatorError} from '../core/errors.ts'
import type {HostSettings} from '../core/settings.ts'
import type {Config, Warning} from './config.ts'
import {type ConfigFile, findConfigFile} from './config-file.ts'
import {warnOfPasswordFiles, warnOfReaders, warnOfSecretFiles} from './file-permissions.ts'
import {type FileFields, fileShape} from './file-shape.ts'
import {checkGuard} from './guard-site.ts'
import {type Learning, learnHosts} from './learning/learn.ts'
import type {Learned} from './learning/learned.ts'
import {hostOf} from './libpq/connection.ts'
import {environmentDsn, hostsOfDsns} from './libpq/dsn-hosts.ts'
import {type Environment, variable} from './libpq/environment.ts'
import {withHostServices} from './libpq/host-services.ts'
import {deepFreeze} from './reading/frozen.ts'
import {ConfigError, type Problem} from './reading/problem.ts'
import {Report} from './reading/report.ts'
import {parseYaml} from './reading/yaml.ts'
import {settingsFrom} from './settings.ts'

export type Asked = Readonly<{
  /** `-c`; wins over everything else. */
  path?: string | undefined
  /** Connection strings: then no file is read. */
  dsns?: readonly string[] | undefined
  env: Environment
  cwd: string
  /** Tries what a file asks for; its problems count as the file's own. For `config check`. */
  trial?: Trial | undefined
  /** Default: `kept`. */
  learning?: Learning | undefined
  /** The hosts in force, where a daemon has learned them. Default: what a daemon kept. */
  before?: Learned | null | undefined
}>

/** `refused`: what is wrong already; the values there are stand-ins. */
export type Trial = (
  config: Config,
  refused: readonly Problem[],
) => Promise<Readonly<{problems: readonly Problem[]; warnings: readonly Warning[]}>>

/**
 * The configuration (DESIGN 8): from the named file, from connection strings, from a file in the
 * usual places, or from `$PGHOST`. Frozen, with every default filled in. Rejects with OperatorError;
 * where the content is wrong, with a ConfigError that holds all problems.
 */
export async function loadConfig({path, dsns = [], env, cwd, ...how}: Asked): Promise<Config> {
  if (path !== undefined && dsns.length > 0) {
    throw new OperatorError(
      'CONFIG_CONFLICT',
      'both a configuration file and a connection string are given',
      'Give one of them.',
    )
  }
  if (dsns.length > 0) return fromDsns(dsns, 'the connection string', env, cwd)
  const file = await findConfigFile(path ?? null, env, cwd)
  if (file !== null) return fromFile(file, env, how)
  if (['PGHOST', 'PGHOSTADDR', 'PGSERVICE'].some((name) => variable(env, name) !== null))
    return fromDsns([''], 'the environment', env, cwd, environmentDsn(env))
  throw new OperatorError(
    'CONFIG_NOT_FOUND',
    `there is no configuration: neither ${resolve(cwd, 'pgroute66.yml')} nor /etc/pgroute66/config.yaml exists`,
    'Name a file with -c, make one with "pgroute66 init", or give postgres://user@host1,host2/db.',
  )
}

/**
 * As `loadConfig`, for a text that comes from another place: a generated one, or one under test.
 */
export async function fromFile(
  file: ConfigFile,
  env: Environment,
  {trial, learning = 'kept', before = null}: Pick<Asked, 'trial' | 'learning' | 'before'> = {},
): Promise<Config> {
  const report = new Report()
  const directory = dirname(file.path)
  const tree = await withHostServices(await parseYaml(file.text, file.path), {env, directory, report})
  const written = fileShape.read(tree, '', report)
  const found = await learnHosts(written, {env, file, report, learning, before})
  const {fields, learned} = found ?? {fields: written, learned: null}
  const around = {env, directory, encoding: fields.password_encoding ?? 'base64', report} as const
  const hosts = [...fields.hosts].map(([name, host]) => hostOf(name, host, `hosts.${name}`, around))
  if (hosts.length === 0 && report.isClean('hosts', 'patroni')) {
    report.refuse(
      'hosts',
      'CONFIG_MISSING',
      'names no host',
      'Add "hosts:" with one host or more ("pgroute66 init" prints an example), or "patroni: http://HOST:8008".',
    )
  }
  warnOfReaders(file, tree, report)
  const {path, text} = file
  return finish(fields, hosts, {directory, env, path, source: path, text, report, trial, learned})
}

async function fromDsns(
  dsns: readonly string[],
  source: string,
  env: Environment,
  cwd: string,
  fallback = '',
): Promise<Config> {
  const report = new Report()
  const hosts = await hostsOfDsns(dsns, {env, directory: cwd, encoding: 'plain', report}, fallback)
  return finish(fileShape.absent, hosts, {
    directory: cwd,
    env,
    path: null,
    source,
    text: null,
    report,
    trial: undefined,
    learned: null,
  })
}

type Found = Readonly<{
  directory: string
  env: Environment
  path: string | null
  source: string
  /** Of the file. */
  text: string | null
  report: Report
  trial: Trial | undefined
  learned: Learned | null
}>

async function finish(
  fields: FileFields,
  hosts: readonly HostSettings[],
  {directory, env, path, source, text, report, trial, learned}: Found,
): Promise<Config> {
  const settings = await settingsFrom(fields, {directory, env, hosts, report})
  checkGuard(settings, report)
  await warnOfPasswordFiles(hosts, report)
  await warnOfSecretFiles(settings, report)
  const config = {...settings, path, learned, warnings: report.warnings}
  const tried = await trial?.(config, report.problems)
  const problems = [...report.problems, ...(tried?.problems ?? [])]
  if (problems.length > 0) throw new ConfigError(source, await located(problems, text))
  return deepFreeze({...config, warnings: [...config.warnings, ...(tried?.warnings ?? [])]})
}

/** With the place in the file. A problem outside of the file, as of a variable, has none. */
export async function located(problems: readonly Problem[], text: string | null): Promise<readonly Problem[]> {
  if (text === null) return problems
  const {positionsIn} = await import('./reading/positions.ts')
  const positionOf = positionsIn(text)
  return problems.map((problem) => ({
    ...problem,
    ...positionOf(problem.path, problem.code === 'CONFIG_UNKNOWN_KEY' ? 'key' : 'value'),
  }))
}
