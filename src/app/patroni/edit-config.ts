import {isDeepStrictEqual} from 'node:util'
import {OperatorError} from '../../core/errors.ts'
import {unread} from '../../patroni/unread.ts'
import {confirm} from '../cli/confirm.ts'
import {print} from '../cli/print.ts'
import {applied, assignment, type Json, merged, objectIn, patchBetween} from './config-change.ts'
import {type Draft, edited} from './editor.ts'
import {lineDiff} from './line-diff.ts'
import {type Outcome, ordered, report} from './outcome.ts'
import {explained, notReadable, type Site, type SiteFlags, siteOf} from './site.ts'
import {printedAs} from './table.ts'
import {seenWithin} from './wait.ts'

export type EditFlags = SiteFlags &
  Readonly<{
    print: boolean
    set?: readonly string[] | undefined
    apply?: string | undefined
    replace?: string | undefined
    yes: boolean
    json: boolean
  }>

/** `patch`: by PATCH, which leaves the other keys alone. `whole`: by PUT. */
type Change = Readonly<{kind: 'patch' | 'whole'; body: Json}>

/**
 * `patroni edit-config`: changes the dynamic configuration by flags or in the operator's editor, and
 * reads it back. `read` gives the text of a file that a flag names.
 */
export async function editConfig(flags: EditFlags, read: (path: string) => Promise<string>): Promise<number> {
  const {client} = await siteOf(flags)
  const change = await changeOf(flags, read)
  return explained(async () => {
    const before = await configOf(client)
    if (flags.print) {
      print(1, printedAs(flags.json ? 'json' : 'yaml', before))
      return 0
    }
    return change === null ? editAndSend(client, before, flags) : send(client, before, change, flags)
  })
}

/** By the flags; `null`: they name none. */
async function changeOf(
  {set = [], apply, replace}: EditFlags,
  read: (path: string) => Promise<string>,
): Promise<Change | null> {
  if (replace !== undefined) return {kind: 'whole', body: objectIn(await read(replace), 'the file of --replace')}
  if (apply === undefined && set.length === 0) return null
  const patches = apply === undefined ? [] : [objectIn(await read(apply), 'the file of --apply')]
  return {kind: 'patch', body: [...patches, ...set.map(assignment)].reduce<Json>(merged, {})}
}

async function configOf(client: Site['client']): Promise<Json> {
  const {data, member, status} = await client.config()
  if (data === null) throw notReadable(member, status)
  return data
}

async function editAndSend(client: Site['client'], before: Json, flags: EditFlags): Promise<number> {
  const draft = await edited(`${printedAs('yaml', before)}\n`)
  const after = objectIn(draft.text, draft.path, keptIn(draft))
  const change = {kind: 'patch', body: patchBetween(before, after)} as const
  if (!isDeepStrictEqual(await configOf(client), before)) {
    const why = 'the configuration was changed elsewhere while the editor was open: nothing was sent'
    const next = `Your text is in ${draft.path}. Run the command again, and take your lines over.`
    throw new OperatorError('PATRONI_CONFIG', why, next)
  }
  const answer = await send(client, before, change, flags).catch((error: unknown) => ({error}))
  if (answer === 0) await draft.remove()
  else print(2, `Your text is in ${draft.path}.`)
  if (typeof answer === 'number') return answer
  throw answer.error
}

const keptIn = ({path}: Draft) => `Your text is in ${path}: correct it, and give it to --replace.`

async function send(client: Site['client'], before: Json, {kind, body}: Change, flags: EditFlags): Promise<number> {
  const wanted = kind === 'whole' ? body : applied(before, body)
  const difference = lineDiff(printedAs('yaml', before), printedAs('yaml', wanted))
  if (difference === '')
    return report([{kind: 'done', text: 'Nothing to change: the configuration already has these values.'}], flags.json)
  if (!flags.yes) print(2, difference)
  await confirm('Apply these changes?', flags.yes)
  const order = () => (kind === 'whole' ? client.putConfig(body) : client.patchConfig(body))
  return report([await ordered(order, () => configSeen(client, wanted))], flags.json)
}

async function configSeen(client: Site['client'], wanted: object): Promise<Outcome> {
  const found = await seenWithin(10_000, async () => {
    const answer = await client.config().catch(unread)
    return isDeepStrictEqual(answer?.data, wanted) ? answer : null
  })
  if (found === null) {
    const next = 'Look at it: "pgroute66 patroni edit-config --print".'
    return {kind: 'unknown', text: `Patroni shows another configuration than the one that was sent. ${next}`}
  }
  return {kind: 'done', text: 'Configuration changed. Read: it is as written.'}
}
