import type {Meter} from './ports.ts'

/** For a monitor without metrics. */
export const noMeter: Meter = {connectionOpened() {}, probed() {}, failed() {}, alarmed() {}, saved() {}}
