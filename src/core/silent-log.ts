import type {Log} from './ports.ts'

/** Where a command logs to that prints what it has to say. */
export const silentLog: Log = {debug() {}, info() {}, warn() {}, error() {}}
