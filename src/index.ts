export type {Config} from './config/config.ts'
export type {Snapshot} from './core/snapshot.ts'
