import type {Config} from '../../config/config.ts'
import {isWithoutFile} from '../../config/config-file.ts'
import {loadConfig} from '../../config/load.ts'
import {OperatorError} from '../../core/errors.ts'
import type {CheckRole} from '../../protocol/check-answer.ts'
import {exitNow} from '../../system/exit.ts'
import {printReport} from '../cli/error-output.ts'
import {print} from '../cli/print.ts'
import {targetOf} from './arguments.ts'
import {type CheckBody, isErrorBody, silence} from './body.ts'
import {askDaemon} from './daemon.ts'
import {CheckDeadline} from './deadline.ts'
import {answerDirectly} from './direct.ts'
import {parseMaxLag, parseTimeout} from './flag-limits.ts'
import {nagiosOf} from './nagios.ts'

export type CheckRequest = Readonly<{
  words: readonly string[]
  role: string | null
  group: string | null
  maxLag: string | null
  timeout?: string | undefined
  json: boolean
  format: string
  socket?: string | undefined
  fallback: string
  direct: boolean
  config?: string | undefined
}>
export type CheckEnv = Readonly<{env: NodeJS.ProcessEnv; cwd: string; version: string}>

const usualTimeoutMs = 2_000

/**
 * The whole command (DESIGN 6.1), from the words given to the exit code. Prints; throws
 * OperatorError.
 */
export async function check(request: CheckRequest, around: CheckEnv): Promise<number> {
  const {question, dsns} = targetOf(request.words, around.env, request)
  const maxLag = parseMaxLag(request.maxLag)
  const asked = (question.role ?? 'primary') as CheckRole
  const show = (body: CheckBody): number => {
    if (isErrorBody(body))
      return printReport({...body.error, exit: 2}, request.json ? ['--json'] : ['--format', request.format])
    if (request.format === 'nagios') {
      const {text, exit} = nagiosOf(body, maxLag)
      print(1, text)
      return exit
    }
    print(1, request.json ? JSON.stringify(body) : body.text)
    return body.exit
  }
  const timeoutMs = request.timeout === undefined ? null : parseTimeout(request.timeout)
  const deadline = new CheckDeadline(timeoutMs ?? usualTimeoutMs, (why) =>
    exitNow(show(silence(question.server, asked, why))),
  )

  const load = once(async () => {
    const config = await loadConfig({path: request.config, dsns, env: around.env, cwd: around.cwd})
    if (timeoutMs === null) deadline.set(config.check.timeoutMs)
    return config
  })
  if (dsns.length > 0 && request.fallback === 'none') {
    throw new OperatorError(
      'USAGE',
      '--fallback none with connection strings, which no daemon is asked about',
      'Leave one of them out.',
    )
  }
  // Connection strings name servers that a daemon may never have heard of.
  if (!request.direct && dsns.length === 0) {
    const found = await askDaemon({question, socket: request.socket, config: request.config, load, deadline, ...around})
    if (found.kind === 'answer') return show(found.body)
    const why = found.misses.map((miss) => `${miss.place}: ${miss.why}`).join('; ')
    if (request.fallback === 'none') return show(silence(question.server, asked, `no daemon answers (${why})`))
    await load().catch((error) => {
      throw isWithoutFile(error)
        ? new OperatorError(error.code, `no daemon answers (${why}), and ${error.message}`, error.next)
        : error
    })
    const odd = found.misses.some(({kind}) => kind !== 'absent')
    if (odd) print(2, `pgroute66: the daemon cannot be asked (${why}); the servers are asked instead`)
  }
  const config = await load()
  // A connection string with one host asks about that host, with several about all of them.
  const [first, ...others] = config.hosts
  const about = dsns.length > 0 && first && others.length === 0 ? {...question, server: first.name} : question
  return show(await answerDirectly({config, question: about, maxLag, version: around.version, signal: deadline.signal}))
}

/** Loaded at most once, and only if somebody needs it: a daemon can be asked without. */
function once(load: () => Promise<Config>): () => Promise<Config> {
  let loaded: Promise<Config> | null = null
  return () => {
    loaded ??= load()
    return loaded
  }
}
