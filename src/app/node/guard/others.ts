import type {Others} from '../../../actuators/guard/plan.ts'
import type {GuardSettings} from '../../../core/node/guard-settings.ts'
import {enumerate} from '../../../core/phrases.ts'
import type {Us} from '../../../sources/peer/tally.ts'
import type {Word} from '../../../sources/peer/vote.ts'

/**
 * What the guards of the other hosts said last about their gates. A neighbour that is no guard of this version never
 * says that its gate is shut. `epoch`: of this process, which may be in its own list.
 */
export function othersOf(
  {neighbours}: Pick<GuardSettings, 'neighbours'>,
  words: ReadonlyMap<string, Word>,
  epoch: string,
): Others {
  const others = neighbours
    .map(({url}) => ({name: new URL(url).host, word: words.get(url)}))
    .filter(({word}) => word?.kind !== 'view' || word.view.epoch !== epoch)
  const shut = others.flatMap(({word}) => (word?.kind === 'view' && word.view.isShut ? [word.askedAt] : []))
  const isWhole = shut.length === others.length
  const unheard = others.filter(({word}) => word?.kind !== 'view' || !word.view.isShut).map(({name}) => name)
  const why = isWhole
    ? 'the other guards are asked once more'
    : `${enumerate(unheard)} ${unheard.length === 1 ? 'does' : 'do'} not say that the gate there is shut; ` +
      'what was allowed there ends by itself with its lease'
  return {shutAt: isWhole ? Math.min(...shut) : null, why}
}

/** Neighbours on other machines that have the identifier of this one, as clones do: they are one voter with us. */
export function twinsOf(words: ReadonlyMap<string, Word>, us: Us): readonly string[] {
  const isTwin = (word: Word) =>
    word.kind === 'view' &&
    word.view.machineId === us.machineId &&
    us.machineId !== null &&
    word.view.epoch !== us.epoch
  return [...words].flatMap(([url, word]) => (isTwin(word) ? [new URL(url).host] : []))
}
