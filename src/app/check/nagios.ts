import type {Limits} from '../../core/offers/eligibility.ts'
import type {CheckAnswer} from '../../protocol/check-answer.ts'
import type {WireHost} from '../../protocol/snapshot-json.ts'

const levels = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const
type Level = 0 | 1 | 2 | 3

/**
 * The line of a monitoring plugin (Monitoring Plugins Development Guidelines, 2.1 and 2.6), and its
 * exit code.
 */
export function nagiosOf(body: CheckAnswer, limits: Limits): Readonly<{text: string; exit: Level}> {
  const exit = levelOf(body, limits)
  const [first = '', ...more] = body.text.replaceAll('|', '/').split('\n')
  // The first line is the message, and perfdata ends it. The lines below are long output.
  return {text: [`PGROUTE66 ${levels[exit]} - ${first}${perfdata(body.hosts)}`, ...more].join('\n'), exit}
}

function levelOf({exit, host, asked, verdict, hosts}: CheckAnswer, limits: Limits): Level {
  const isPrimaryAsked = asked === 'primary'
  const one = host === null ? undefined : hosts[host]
  if (exit === 4) return verdict?.kind === 'split-brain' ? 2 : 3
  if (exit === 0)
    return host === null && isPrimaryAsked && Object.values(hosts).some((each) => isDegraded(each, limits)) ? 1 : 0
  // A host that this check cannot see (blind) is not known to be down.
  if (exit === 3) return one === undefined || one.blind ? 3 : isPrimaryAsked ? 2 : 1
  if (exit === 5) return (verdict?.blind?.length ?? 0) > 0 ? 3 : 2
  // Without HOST: the primary is drained, and no other is routed to. Writes have stopped.
  if (exit === 1) return isPrimaryAsked ? 2 : 1
  return 3
}

/** An unknown lag is beyond every limit. */
function isDegraded({role, lag_bytes, lag_ms}: WireHost, {lagBytes, lagMs}: Limits): boolean {
  if (role !== 'standby') return role === 'unavailable'
  const exceeds = (lag: number | null, limit: number | null) =>
    limit !== null && (lag ?? Number.POSITIVE_INFINITY) > limit
  return exceeds(lag_bytes, lagBytes) || exceeds(lag_ms, lagMs)
}

function perfdata(hosts: CheckAnswer['hosts']): string {
  const all = Object.entries(hosts)
  if (all.length === 0) return ''
  const count = (role: string) => all.filter(([, host]) => host.role === role).length
  const lags = all.filter(([, host]) => host.role === 'standby').map(([name, host]) => `'${name}_lag'=${lagOf(host)}`)
  const counts = [
    `primaries=${count('primary')}`,
    `standbys=${count('standby')}`,
    `unavailable=${count('unavailable')}`,
  ]
  return ` | ${[...counts, ...lags].join(' ')}`
}

/** "U": the guidelines' letter for a value that cannot be determined. */
const lagOf = ({lag_bytes: lag}: WireHost): string => (lag === null ? 'U' : `${lag}B`)
