import type {Config} from '../../config/config.ts'
import {loadConfig} from '../../config/load.ts'
import {ConfigError} from '../../config/reading/problem.ts'
import type {WireSnapshot} from '../../protocol/snapshot-json.ts'
import {print} from '../cli/print.ts'
import {connectTrial} from '../serve/connect-trial.ts'
import {startTrial} from '../serve/trial/start-trial.ts'
import {connectionFindings} from './connections.ts'
import {lookAtDaemon} from './daemon.ts'
import {type Finding, findingsText, fine, found} from './findings.ts'

export type DoctorFlags = Readonly<{
  config: string | undefined
  json: boolean
  env: NodeJS.ProcessEnv
  cwd: string
  version: string
}>
/** As of `check`: README and manual have the table. */
export type DoctorExit = 0 | 2 | 3 | 4 | 5

/**
 * `pgroute66 doctor`: all that `config check --connect` finds, the running daemon, and the routers with
 * their versions. Throws OperatorError where there is no configuration.
 */
export async function doctor({config: path, json, env, cwd, version}: DoctorFlags): Promise<DoctorExit> {
  const found = await examine({path, env, cwd, version})
  const exit = exitOf(found)
  const {configuration, findings} = found
  print(1, json ? JSON.stringify({exit, ok: exit === 0, version, configuration, findings}) : findingsText(findings))
  return exit
}

type Examined = Readonly<{configuration: string | null; findings: readonly Finding[]; snapshot: WireSnapshot | null}>
type Asked = Readonly<{path: string | undefined; env: NodeJS.ProcessEnv; cwd: string; version: string}>

async function examine({path, env, cwd, version}: Asked): Promise<Examined> {
  const config = await loadConfig({path, env, cwd, trial: startTrial}).catch((error: unknown) => {
    if (error instanceof ConfigError) return error
    throw error
  })
  // What is refused cannot be tried: the hosts of such a file may be stand-ins.
  if (config instanceof ConfigError) return {configuration: null, findings: problemsOf(config), snapshot: null}
  const [trial, daemon] = await Promise.all([connectTrial(config), lookAtDaemon({config, env, cwd, version})])
  return {
    configuration: config.path,
    findings: [...ownFindings(config, version), ...connectionFindings(trial), ...daemon.findings],
    snapshot: daemon.snapshot,
  }
}

const problemsOf = ({problems, source}: ConfigError): readonly Finding[] =>
  problems.map(({path, message, next, line, column}) =>
    found(
      'fix',
      'configuration',
      `${source}${line === undefined ? '' : `:${line}:${column}`}: ${path} ${message}`,
      next,
    ),
  )

const ownFindings = ({path, warnings}: Config, version: string): readonly Finding[] => [
  fine('pgroute66', `${version}, node ${process.versions.node}`),
  fine('configuration', path ?? 'of the environment'),
  ...warnings.map((warning) => found('note', 'configuration', `${warning.path} ${warning.message}`, warning.next)),
]

/** What an operator must fix, then the daemon's verdict, then what does not answer. */
function exitOf({findings, snapshot}: Examined): DoctorExit {
  if (findings.some(({state}) => state === 'fix')) return 2
  const kinds = Object.values(snapshot?.groups ?? {}).map(({verdict}) => verdict.kind)
  if (kinds.some((kind) => kind === 'split-brain' || kind === 'unconfirmed' || kind === 'starting')) return 4
  if (kinds.includes('no-primary')) return 5
  return findings.some(({state}) => state === 'away') ? 3 : 0
}
