import type {Random} from '../core/ports.ts'

/** What sets the versions of one run apart from those of another: six hexadecimal digits. */
export const newEpoch = (random: Random): string =>
  Math.floor(random() * 0x1000000)
    .toString(16)
    .padStart(6, '0')
