import {setFlagsFromString} from 'node:v8'

/**
 * V8 lets the heap grow to several times its live data before a full collection. The state of a host
 * lives for a second until it is replaced. That is too long for the young generation, so the old one
 * fills: to 350 MB with 45 MB alive (1,000 hosts). With a growth of 50 % the daemon needs 100 MB
 * less, at no measurable cost in CPU. V8 reads the flag at each collection, so it works at any time;
 * Node.js has no option for it.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50')
}
