import type {Switched} from './run.ts'
import type {Move} from './tool.ts'

/** 0: the host asked for is the primary. 1: everything is as before. 4: neither, or not all is in step. */
export function exitOf({end, routedTo, steps}: Switched, {from, to}: Move): 0 | 1 | 4 {
  // Without a daemon nothing says which host is the primary.
  if (steps.at(-1)?.act === 'rescue') return 4
  const isThere = routedTo !== null && routedTo !== from && (to === null || routedTo === to)
  if (end === 'done' && isThere) return 0
  return end === 'back' && routedTo === from ? 1 : 4
}

export const resultJson = (switched: Switched, move: Move): string => {
  const exit = exitOf(switched, move)
  const {end, routedTo, why, open, tool, times, steps} = switched
  return JSON.stringify({
    exit,
    ok: exit === 0,
    ...move,
    end,
    routed_to: routedTo,
    why,
    open,
    tool,
    times_ms: times,
    steps: steps.map(({id, phase, why: reason}) => ({id, phase, why: reason})),
  })
}

export function resultText(switched: Switched, move: Move): string {
  const {routedTo, why, open, tool, times} = switched
  const exit = exitOf(switched, move)
  const waited = times.ended === undefined ? '' : ` Clients waited ${inSeconds(times.ended)}.`
  if (exit === 0) return `${move.group}: ${routedTo} is the primary.${waited}${stagesOf(times)}`
  const isUnseen = switched.steps.at(-1)?.act === 'rescue'
  const now = isUnseen
    ? 'no daemon says which host is the primary'
    : routedTo === null
      ? 'there is no primary'
      : `${routedTo} is the primary`
  const said = tool === null ? '' : ` ${tool.text}.`
  const details = open.map((one) => `\n  ${one}`).join('')
  const next = exit === 1 ? '' : ' Run "pgroute66 check" and look at the HA tool before you repeat it.'
  return `${move.group}: not switched over: ${why}; ${now}.${said}${waited}${next}${details}`
}

function stagesOf({held, confirmed, ended}: Switched['times']): string {
  if (held === undefined || confirmed === undefined || ended === undefined) return ''
  return ` (held after ${inSeconds(held)}, confirmed after ${inSeconds(confirmed)}, served after ${inSeconds(ended)})`
}

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`
