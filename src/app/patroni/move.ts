import {OperatorError} from '../../core/errors.ts'
import type {OrderAnswer} from '../../patroni/answer.ts'
import type {PatroniClient} from '../../patroni/client.ts'
import type {Moved} from '../../patroni/moved.ts'
import {unread} from '../../patroni/unread.ts'
import {confirm} from '../cli/confirm.ts'
import {findingsOf} from './findings.ts'
import {listing} from './list.ts'
import {type Outcome, ordered, report} from './outcome.ts'
import {overviewOf} from './overview.ts'
import {explained, type SiteFlags, siteOf} from './site.ts'

type MoveFlags = SiteFlags &
  Readonly<{
    leader?: string | undefined
    candidate?: string | undefined
    scheduled?: string | undefined
    cancel?: boolean
    yes: boolean
    json: boolean
  }>

/** `patroni switchover`: asks first, orders once, and reads who leads. The exit code is the outcome's. */
export async function switchover(flags: MoveFlags): Promise<number> {
  const site = await siteOf(flags)
  return explained(async () => {
    if (flags.cancel) return report([await cancelled(site.client)], flags.json)
    const overview = await overviewOf(site)
    const leader = flags.leader ?? findingsOf(overview).leader
    if (leader === null)
      throw new OperatorError(
        'PATRONI',
        'no member leads, so there is no switchover',
        'Use "pgroute66 patroni failover".',
      )
    const {candidate, scheduled} = flags
    const what = `Switch over from ${leader} to ${candidate ?? 'the member that Patroni chooses'}`
    await confirm(`${seen(overview, flags)}${what}${scheduled ? ` at ${scheduled}` : ''}?`, flags.yes)
    const order = {
      leader,
      ...(candidate !== undefined && {candidate}),
      ...(scheduled !== undefined && {scheduled_at: scheduled}),
    }
    const moved = await site.client.switchover(order, {wait: true})
    if (moved.answer?.outcome === 'scheduled')
      return report([await scheduledOutcome(site.client, moved.answer.text)], flags.json)
    return report([outcomeOf(moved)], flags.json)
  })
}

/** `patroni failover`: to a named member, also where no member leads. */
export async function failover(flags: MoveFlags & Readonly<{candidate: string}>): Promise<number> {
  const site = await siteOf(flags)
  return explained(async () => {
    const overview = await overviewOf(site)
    const {leader} = findingsOf(overview)
    const from = leader === null ? '' : ` from ${leader}, which leads now`
    await confirm(`${seen(overview, flags)}Fail over${from} to ${flags.candidate}?`, flags.yes)
    return report([outcomeOf(await site.client.failover({candidate: flags.candidate}, {wait: true}))], flags.json)
  })
}

/** The members, before the question: what the operator decides by. */
const seen = (overview: Parameters<typeof listing>[0], {yes}: MoveFlags): string =>
  yes ? '' : `${listing(overview, {format: 'table', isExtended: false}).text}\n`

export function outcomeOf({answer, error, isMoved, leader}: Moved): Outcome {
  const said = answer?.text ?? `the answer was lost (${error?.reason})`
  const holder = leader?.holder
  const now = holder
    ? `${holder.name ?? holder.member} leads on timeline ${holder.timeline ?? '?'}`
    : 'no member leads yet'
  if (answer !== null && (answer.outcome === 'refused' || answer.outcome === 'failed'))
    return {kind: answer.outcome, text: said}
  if (isMoved === true) return {kind: 'done', text: `${said}. Read: ${now}.`}
  return {kind: 'unknown', text: `${said}. Read: ${now}. Run "pgroute66 patroni list" before you repeat it.`}
}

/** What the DCS holds is read only where Patroni has not said that it is gone. */
function cancelled(client: PatroniClient): Promise<Outcome> {
  let answer: OrderAnswer | null = null
  const send = async () => {
    answer = await client.cancelSwitchover()
    return answer
  }
  return ordered(send, async (said) => {
    if (answer?.outcome === 'done') return {kind: 'done', text: said}
    const {data = null, from = null} = (await client.cluster().catch(unread)) ?? {}
    // Members that do not reach the DCS tell of no schedule.
    if (data === null || from !== 'dcs') return {kind: 'unknown', text: `${said}. The schedule cannot be read.`}
    const {at} = data.scheduled_switchover ?? {}
    if (at === undefined) return {kind: 'done', text: `${said}. Read: no switchover is scheduled.`}
    return {kind: 'unknown', text: `${said}. Read: a switchover is scheduled at ${at}.`}
  })
}

/** A second one silently replaces the first: what is scheduled is read. */
async function scheduledOutcome(client: PatroniClient, text: string): Promise<Outcome> {
  const read = await client.cluster().catch(unread)
  const {at, from, to} = read?.data?.scheduled_switchover ?? {}
  if (at === undefined) return {kind: 'accepted', text: `${text}. It is not in the DCS yet.`}
  return {
    kind: 'done',
    text: `${text}. Read: at ${at} from ${from ?? '?'} to ${to ?? 'the member that Patroni chooses'}.`,
  }
}
