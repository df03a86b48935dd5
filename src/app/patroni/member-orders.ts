import {OperatorError} from '../../core/errors.ts'
import type {OrderAnswer} from '../../patroni/answer.ts'
import type {Status} from '../../patroni/data/status.ts'
import {PatroniError} from '../../patroni/error.ts'
import type {PatroniMember} from '../../patroni/member.ts'
import {unread} from '../../patroni/unread.ts'
import {confirm} from '../cli/confirm.ts'
import {type Outcome, ordered, report} from './outcome.ts'
import {explained, type SiteFlags, siteOf} from './site.ts'
import {seenWithin} from './wait.ts'

export type MemberFlags = SiteFlags & Readonly<{yes: boolean; json: boolean}>
type Doing = Readonly<{
  /** `Restart PostgreSQL of`, before the names. */
  question: string
  run(member: PatroniMember): Promise<OrderAnswer>
  /** Reads the effect. `before`: the member's status before the order. */
  verify(member: PatroniMember, before: Status | null, said: string): Promise<Outcome>
}>

/** One order to each of the named members, one after the other; the exit code is that of the worst outcome. */
async function orderEach(names: readonly string[], flags: MemberFlags, doing: Doing): Promise<number> {
  if (names.length === 0) throw new OperatorError('USAGE', 'no member is named', 'Name at least one MEMBER.')
  const {client} = await siteOf(flags)
  return explained(async () => {
    const members: {name: string; member: PatroniMember}[] = []
    for (const name of new Set(names)) members.push({name, member: await client.member(name)})
    await confirm(`${doing.question} ${names.join(', ')}?`, flags.yes)
    const outcomes: Outcome[] = []
    for (const {name, member} of members) outcomes.push({...(await one(member, doing)), member: name})
    return report(outcomes, flags.json)
  })
}

async function one(member: PatroniMember, {run, verify}: Doing): Promise<Outcome> {
  const before = await statusOf(member)
  try {
    return await ordered(
      () => run(member),
      (said) => verify(member, before, said),
    )
  } catch (error) {
    if (!(error instanceof PatroniError)) throw error
    return {kind: 'refused', text: `nothing was sent: ${error.message}`}
  }
}

/** `null`: no answer. */
const statusOf = async (member: PatroniMember): Promise<Status | null> =>
  (await member.status().catch(unread))?.data ?? null

/** Without a look before the order, nothing tells the old start from a new one. */
const hasRestarted = (now: Status | null, before: Status | null) =>
  before !== null && now?.state === 'running' && now.postmaster_start_time !== before?.postmaster_start_time

export type RestartFlags = MemberFlags &
  Readonly<{
    role?: string | undefined
    pending?: boolean
    'pg-version'?: string | undefined
    scheduled?: string | undefined
    timeout?: string | undefined
  }>

/** `patroni restart`: read is that PostgreSQL runs, with another start time. */
export const restart = (names: readonly string[], flags: RestartFlags): Promise<number> => {
  const order = {
    ...(flags.role !== undefined && {role: flags.role}),
    ...(flags.pending && {restart_pending: true}),
    ...(flags['pg-version'] !== undefined && {postgres_version: flags['pg-version']}),
    ...(flags.scheduled !== undefined && {schedule: flags.scheduled}),
    ...(flags.timeout !== undefined && {timeout: flags.timeout}),
  }
  return orderEach(names, flags, {
    question: `Restart PostgreSQL${flags.scheduled ? ` at ${flags.scheduled}` : ''} of`,
    run: (member) => member.restart(order),
    async verify(member, before, said) {
      if (flags.scheduled !== undefined) return readSchedule(member, said)
      const now = await seenWithin(30_000, async () => {
        const status = await statusOf(member)
        return hasRestarted(status, before) ? status : null
      })
      if (now === null) return {kind: 'unknown', text: `${said}. A new start of PostgreSQL is not seen.`}
      return {kind: 'done', text: `${said}. Read: PostgreSQL runs since ${now.postmaster_start_time}.`}
    },
  })
}

async function readSchedule(member: PatroniMember, said: string): Promise<Outcome> {
  const at = (await statusOf(member))?.scheduled_restart?.schedule
  return at === undefined
    ? {kind: 'accepted', text: `${said}. The member does not tell it yet.`}
    : {kind: 'done', text: `${said}. Read: at ${at}.`}
}

export type ReinitFlags = MemberFlags & Readonly<{force?: boolean; 'from-leader'?: boolean; wait: boolean}>

/** `patroni reinit`: read is that PostgreSQL runs from a new copy; without `wait`, that it stopped. */
export const reinit = (names: readonly string[], flags: ReinitFlags): Promise<number> =>
  orderEach(names, flags, {
    question: 'Delete the data of PostgreSQL, and copy it anew, on',
    run: (member) =>
      member.reinitialize({...(flags.force && {force: true}), ...(flags['from-leader'] && {'from-leader': true})}),
    async verify(member, before, said) {
      const isUnderWay = (status: Status | null) => status !== null && status.state !== 'running'
      const begun = await seenWithin(30_000, async () => {
        const status = await statusOf(member)
        return isUnderWay(status) || hasRestarted(status, before) ? status : null
      })
      if (begun === null) return {kind: 'unknown', text: `${said}. That it begins is not seen.`}
      if (!flags.wait) return {kind: 'accepted', text: `${said}. Read: ${begun.state}.`}
      // A copy takes as long as the data is large: the operator ends the wait.
      const done = await seenWithin(Number.POSITIVE_INFINITY, async () => {
        const status = await statusOf(member)
        return hasRestarted(status, before ?? begun) ? status : null
      })
      return {kind: 'done', text: `${said}. Read: a ${done?.role} runs since ${done?.postmaster_start_time}.`}
    },
  })

/** `patroni reload`: Patroni does it at its next loop, and nothing tells that it is done. */
export const reload = (names: readonly string[], flags: MemberFlags): Promise<number> =>
  orderEach(names, flags, {
    question: "Reload Patroni's configuration of",
    run: (member) => member.reload(),
    verify: async (_member, _before, said) => ({kind: 'accepted', text: said}),
  })
