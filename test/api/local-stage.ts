import type {Context} from '../../src/api/context.ts'
import type {LocalApiSettings} from '../../src/config/config.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {plainConfig} from './started.ts'

export const localPatroni = {bind: '127.0.0.1', port: 0, ssl: null, localVersion: '4.1.0', tags: {}} as const
export const localPrimgr = {bind: '127.0.0.1', port: 0} as const

/** The context of a request about `host` while `snapshot` is the latest one. */
export function contextOf(
  host: string,
  snapshot: Snapshot,
  {
    patroni = localPatroni,
    primgr = localPrimgr,
    at = {now: 0, wall: 0},
  }: Partial<LocalApiSettings> & {at?: object} = {},
): Context {
  const {now, wall} = at as {now: number; wall: number}
  return {
    config: {...plainConfig, local: host, localApi: {host, patroni, primgr}},
    source: {current: () => snapshot},
    clock: {now: () => now, wall: () => wall},
  } as unknown as Context
}
