import type {Context} from '../../src/api/context.ts'
import type {LocalApiSettings} from '../../src/config/config.ts'
import {NodeTables} from '../../src/core/ha-tools/repmgr.ts'
import type {GroupSettings} from '../../src/core/settings.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {plainConfig} from './started.ts'

export const localPatroni = {bind: '127.0.0.1', port: 0, ssl: null, localVersion: '4.1.0', tags: {}} as const
export const localPrimgr = {bind: '127.0.0.1', port: 0} as const

type Around = Partial<LocalApiSettings> &
  Readonly<{at?: Readonly<{now: number; wall: number}>; groups?: readonly GroupSettings[]; tables?: NodeTables}>

/** The context of a request about `host` while `snapshot` is the latest one. */
export function contextOf(host: string, snapshot: Snapshot, around: Around = {}): Context {
  const {patroni = localPatroni, primgr = localPrimgr, at = {now: 0, wall: 0}, groups = []} = around
  return {
    config: {...plainConfig, groups, local: host, localApi: {host, patroni, primgr}},
    source: {current: () => snapshot},
    clock: {now: () => at.now, wall: () => at.wall},
    tables: around.tables ?? new NodeTables(),
  } as unknown as Context
}
