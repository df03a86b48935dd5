import {isWithoutFile} from '../../config/config-file.ts'
import {OperatorError} from '../../core/errors.ts'
import {print} from '../cli/print.ts'
import {type CheckBody, noAnswer} from './answer.ts'
import type {CheckArguments} from './arguments.ts'
import {ask, type CheckDeps} from './ask.ts'
import {CheckDeadline} from './deadline.ts'
import {judgeDirectly} from './direct.ts'
import type {Miss} from './fast-path.ts'
import {present} from './present.ts'
import {type CheckRequest, requestOf} from './request.ts'

/** The whole command (DESIGN 6.1): prints the answer, and returns the exit code. Throws OperatorError. */
export async function check(given: CheckArguments, env: Omit<CheckDeps, 'deadline'>): Promise<number> {
  const request = requestOf(given, env.env)
  const deadline = new CheckDeadline(request.timeoutMs)
  const body = await deadline.race(answerTo(request, {...env, deadline}), (why) => noAnswer(request, why, null))
  const {fd, text, exit} = present(body, request.format, request.maxLag)
  print(fd, text)
  return exit
}

async function answerTo(request: CheckRequest, deps: CheckDeps): Promise<CheckBody> {
  const asked = await ask(request, deps)
  if ('answer' in asked) return asked.answer
  const {misses, config} = asked
  const why = misses.map((miss) => `${miss.endpoint}: ${miss.why}`).join('; ')
  const reason = misses.length === 0 ? null : why
  if (!request.mayProbe) return noAnswer(request, `no daemon answers (${why})`, reason)
  if (config instanceof OperatorError) throw isWithoutFile(config) ? nothingToAsk(misses, why, config) : config
  // An absent daemon is usual. A daemon that is there and gives no answer is not.
  if (misses.some(({kind}) => kind !== 'absent'))
    print(2, `pgroute66: the daemon cannot be asked (${why}); check asks the servers instead`)
  return judgeDirectly(request, config, {...deps, reason})
}

function nothingToAsk(misses: readonly Miss[], why: string, {code, message, next}: OperatorError): OperatorError {
  if (!misses.some(({kind}) => kind === 'strange'))
    return new OperatorError(code, `no daemon answers (${why}), and ${message}`, next)
  return new OperatorError(
    'NOT_MY_HOSTS',
    `no daemon of these hosts answers (${why}), and ${message}`,
    "Name another daemon with --socket or $PGROUTE66_SOCKET, or add the address to the host's aliases in this one.",
  )
}
