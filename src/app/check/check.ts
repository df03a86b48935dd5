import {OperatorError} from '../../core/errors.ts'
import {print} from '../cli/print.ts'
import {type CheckBody, noAnswer} from './answer.ts'
import type {CheckArguments} from './arguments.ts'
import {ask, type CheckDeps} from './ask.ts'
import {CheckDeadline} from './deadline.ts'
import {judgeDirectly} from './direct.ts'
import {present} from './present.ts'
import {type CheckRequest, requestOf} from './request.ts'

/** The whole command (DESIGN 6.1): prints the answer, and returns the exit code. Throws OperatorError. */
export async function check(given: CheckArguments, env: Omit<CheckDeps, 'deadline'>): Promise<number> {
  const request = requestOf(given, env.env)
  const deadline = new CheckDeadline(request.timeoutMs)
  const body = await deadline.race(answerTo(request, {...env, deadline}), (why) => noAnswer(request, why))
  const {fd, text, exit} = present(body, request.format, request.maxLag)
  print(fd, text)
  return exit
}

async function answerTo(request: CheckRequest, deps: CheckDeps): Promise<CheckBody> {
  const asked = await ask(request, deps)
  if ('answer' in asked) return asked.answer
  const {misses, config} = asked
  const why = misses.map((miss) => `${miss.endpoint}: ${miss.why}`).join('; ')
  if (!request.mayProbe) return noAnswer(request, `no daemon answers (${why})`)
  if (config instanceof OperatorError)
    throw new OperatorError(config.code, `no daemon answers (${why}), and ${config.message}`, config.next)
  // An absent daemon is usual. A daemon that is there and gives no answer is not.
  if (misses.some(({kind}) => kind !== 'absent'))
    print(2, `pgroute66: the daemon cannot be asked (${why}); check asks the servers instead`)
  return judgeDirectly(request, config, deps)
}
