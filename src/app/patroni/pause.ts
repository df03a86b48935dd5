import {unread} from '../../patroni/unread.ts'
import {confirm} from '../cli/confirm.ts'
import {type Outcome, ordered, report} from './outcome.ts'
import {explained, type Site, type SiteFlags, siteOf} from './site.ts'
import {seenWithin} from './wait.ts'

type PauseFlags = SiteFlags & Readonly<{yes: boolean; json: boolean}>

/** `patroni pause` and `resume`. The order is done when every member that answers tells of it. */
export async function setPause(isPaused: boolean, flags: PauseFlags): Promise<number> {
  const site = await siteOf(flags)
  return explained(async () => {
    const question = isPaused
      ? 'Pause: Patroni no longer fails over. Go on?'
      : 'Resume: Patroni fails over again. Go on?'
    await confirm(question, flags.yes)
    const send = () => site.client.patchConfig({pause: isPaused ? true : null})
    return report([await ordered(send, () => pauseSeen(site, isPaused))], flags.json)
  })
}

async function pauseSeen({client}: Site, isPaused: boolean): Promise<Outcome> {
  let slow: readonly string[] = []
  const told = await seenWithin(30_000, async () => {
    const leader = await client.leader().catch(unread)
    if (leader === null) return null
    const {holder, claims, hollow, denials} = leader
    const words = [...claims, ...hollow, ...denials]
    slow = words.flatMap(({answer, name, member}) =>
      (answer.data?.pause === true) === isPaused ? [] : [name ?? member],
    )
    return slow.length === 0 && words.length > 0 ? {count: words.length, holder} : null
  })
  if (told === null) {
    const silence = slow.length > 0 ? `not told yet by: ${slow.join(', ')}` : 'no member tells so yet'
    const asked = `Patroni was asked to ${isPaused ? 'pause' : 'resume'}`
    return {kind: 'accepted', text: `${asked}; ${silence}.`}
  }
  return {kind: 'done', text: `Maintenance mode is ${isPaused ? 'on' : 'off'}. Read: ${told.count} members tell so.`}
}
