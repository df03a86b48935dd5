import {confirm} from '../cli/confirm.ts'
import {type Outcome, report} from './outcome.ts'
import {explained, type Site, type SiteFlags, siteOf} from './site.ts'
import {seenWithin} from './wait.ts'

type PauseFlags = SiteFlags & Readonly<{yes: boolean; json: boolean}>

/** `patroni pause` and `resume`: read is that every member that answers tells it. */
export async function setPause(isPaused: boolean, flags: PauseFlags): Promise<number> {
  const site = await siteOf(flags)
  return explained(async () => {
    const question = isPaused
      ? 'Pause: Patroni no longer fails over. Go on?'
      : 'Resume: Patroni fails over again. Go on?'
    await confirm(question, flags.yes)
    const {outcome, text} = await site.client.patchConfig({pause: isPaused ? true : null})
    if (outcome !== 'done') return report([{kind: 'refused', text}], flags.json)
    return report([await pauseSeen(site, isPaused)], flags.json)
  })
}

async function pauseSeen({client}: Site, isPaused: boolean): Promise<Outcome> {
  let slow: readonly string[] = []
  const told = await seenWithin(30_000, async () => {
    const {holder, claims, hollow, denials} = await client.leader()
    const words = [...claims, ...hollow, ...denials]
    slow = words.flatMap(({answer, name, member}) =>
      (answer.data?.pause === true) === isPaused ? [] : [name ?? member],
    )
    return slow.length === 0 && words.length > 0 ? {count: words.length, holder} : null
  })
  const mode = isPaused ? 'Maintenance mode is on' : 'Maintenance mode is off'
  if (told === null) return {kind: 'accepted', text: `${mode}, but not told yet by: ${slow.join(', ')}.`}
  return {kind: 'done', text: `${mode}. Read: ${told.count} members tell so.`}
}
