import {hostname, networkInterfaces} from 'node:os'

/** Of this machine, now: the addresses of its interfaces, without zones, and its name. */
export type OwnAddresses = Readonly<{addresses: readonly string[]; hostname: string}>

export const ownAddresses = (): OwnAddresses => ({
  addresses: Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({address}) => address)),
  hostname: hostname(),
})
