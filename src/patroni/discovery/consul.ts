import type {Clock} from '../../core/ports.ts'
import {connectorOf, type Tls} from '../../http/connector.ts'
import {exchange} from '../../http/exchange.ts'
import {systemClock} from '../../system/clock.ts'
import {list, Mismatch, orNull, record, text} from '../data/reader.ts'
import {PatroniError} from '../error.ts'
import {limits} from '../member.ts'
import {maxAnswerBytes, memberUrl} from '../transport.ts'
import {addressesOf, type TreeDiscovery, treeOf} from './tree.ts'

export type ConsulPlace = Readonly<{
  /** `http://127.0.0.1:8500` */
  url: string
  namespace?: string | undefined
  scope: string
  token?: string | undefined
  tls?: Tls | undefined
  clock?: Clock | undefined
  /** In milliseconds. */
  timeoutMs?: number | undefined
}>

const entries = list(record<Readonly<{Key: string; Value: string | null}>>(['Key'], {Key: text, Value: orNull(text)}))

/** Patroni's own tree in consul's KV, read by the quorum. Rejects with PatroniError (`member`: consul). */
export function consulDiscovery(place: ConsulPlace): TreeDiscovery {
  const {namespace = 'service', scope, token, tls, clock = systemClock, timeoutMs = limits.read} = place
  const origin = memberUrl(place.url)
  const connector = connectorOf(tls)
  const prefix = `${[...namespace.split('/'), scope].filter(Boolean).join('/')}/`
  const path = `/v1/kv/${prefix.split('/').map(encodeURIComponent).join('/')}?recurse&consistent`
  const headers = token === undefined ? {} : {'x-consul-token': token}

  async function tree(signal?: AbortSignal) {
    const request = {origin, path, method: 'GET', headers, timeoutMs, maxBytes: maxAnswerBytes, signal} as const
    const answer = await exchange({clock, connector}, request)
    const where = `consul at ${origin}`
    if (answer.kind === 'failure') {
      const {reason, delivery, detail, cause} = answer
      throw new PatroniError({
        reason,
        delivery,
        member: origin,
        message: `${where}: ${detail}`,
        ...(cause != null && {cause}),
      })
    }
    if (answer.status === 404) return treeOf(new Map())
    if (answer.status !== 200) throw malformed(`${where} answers ${answer.status}: ${answer.body.trim().slice(0, 200)}`)
    try {
      const found = entries(JSON.parse(answer.body), '')
      return treeOf(new Map(found.map(({Key, Value}) => [Key.slice(prefix.length), textIn(Value)])))
    } catch (cause) {
      if (cause instanceof SyntaxError || cause instanceof Mismatch)
        throw malformed(`${where} does not answer as consul`, cause)
      throw cause
    }
  }
  const malformed = (message: string, cause?: unknown) =>
    new PatroniError({
      reason: 'malformed',
      delivery: 'response-received',
      member: origin,
      message,
      ...(cause != null && {cause}),
    })
  return {tree, members: async (signal) => addressesOf(await tree(signal))}
}

const textIn = (value: string | null): string => Buffer.from(value ?? '', 'base64').toString('utf8')
