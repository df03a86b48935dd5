import {number, type Reader, record} from './reader.ts'

/** The dynamic configuration: GET /config. Seconds. Fields that are not listed here are kept. */
export type DynamicConfig = Readonly<{
  ttl?: number
  loop_wait?: number
  retry_timeout?: number
  maximum_lag_on_failover?: number
  [field: string]: unknown
}>

/** Throws `Mismatch`. */
export const readConfig: Reader<DynamicConfig> = record<DynamicConfig>([], {
  ttl: number,
  loop_wait: number,
  retry_timeout: number,
  maximum_lag_on_failover: number,
})

/** Seconds. What Patroni assumes where the dynamic configuration leaves a value out. */
export const patroniDefaults = {ttl: 30, loop_wait: 10, retry_timeout: 10} as const

/** How long an order may wait in Patroni: POST /switchover and /failover poll 2 × max(10, loop_wait) s. */
export const switchoverLimitMs = ({loop_wait = patroniDefaults.loop_wait}: DynamicConfig): number =>
  2_000 * Math.max(10, loop_wait) + 5_000
