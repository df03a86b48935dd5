import type {Meter} from './ports.ts'

/** For whoever has no metrics to show. */
export const noMeter: Meter = {connectionOpened() {}, probed() {}, failed() {}, saved() {}}
