import {setFlagsFromString} from 'node:v8'

/**
 * V8 lets the heap grow to several times what is alive in it before it collects the whole. What is
 * known of a host lives for a second and is then replaced: too long for the young generation, so
 * the old one fills with it, to 350 MB where 45 are alive (a thousand hosts). Half as much again as
 * is alive costs 100 MB less, and no CPU that could be measured. Read by V8 at each collection, so
 * it works at any time; Node has no option for it.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50')
}
