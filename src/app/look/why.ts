import {type SituationText, situationGuide} from '../../core/verdict/situation-guide.ts'
import type {WireGroup, WireSnapshot} from '../../protocol/snapshot-json.ts'
import {print} from '../cli/print.ts'
import {controlChannel} from '../control/channel.ts'
import {question} from '../control/order.ts'
import {groupsOf, type LookFlags} from './report.ts'

/** `pgroute66 why`: the verdict of the running daemon, with the situation's name, meaning and remedy. */
export async function why(flags: LookFlags): Promise<number> {
  const channel = await controlChannel({
    ...flags,
    socket: flags['control-socket'],
    env: process.env,
    cwd: process.cwd(),
  })
  const snapshot = (await question(channel, '/v1/snapshot')) as unknown as WireSnapshot
  const told = groupsOf(snapshot, flags.group).map((name) => tellOf(name, snapshot.groups[name] as WireGroup))
  const ok = told.every(({situation}) => situation === 'healthy')
  const exit = ok ? 0 : 4
  if (flags.json) print(1, JSON.stringify({exit, ok, groups: Object.fromEntries(told.map((one) => [one.group, one]))}))
  else print(1, told.map(textOf).join('\n\n'))
  return exit
}

/** A situation that this version does not know has no remedy here. */
function tellOf(group: string, {verdict, evidence}: WireGroup) {
  const {kind, rule, situation = kind, primary, routed_to, since} = verdict
  const guide: SituationText | undefined = Object.hasOwn(situationGuide, situation)
    ? situationGuide[situation as keyof typeof situationGuide]
    : undefined
  return {
    group,
    verdict: kind,
    rule,
    situation,
    primary,
    routed_to,
    since,
    why: verdict.why,
    meaning: guide?.meaning ?? null,
    remedy: guide?.next.replaceAll('`', '"') ?? null,
    against: evidence.filter(({required, answer}) => required && answer !== 'confirms').map((one) => one.why),
  }
}

const textOf = ({group, rule, situation, why: reason, meaning, remedy, against}: ReturnType<typeof tellOf>): string =>
  [
    `${group}: ${situation} (${rule}): ${reason}`,
    ...against.map((one) => `  ${one}`),
    ...(meaning === null ? [] : [`  ${meaning}`]),
    ...(remedy === null ? [] : [`  Next: ${remedy}`]),
  ].join('\n')
