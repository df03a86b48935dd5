/** Every health check of Patroni. It compares by substring and case, but these are the documented names. */
export const healthPaths = [
  '/',
  '/primary',
  '/master',
  '/read-write',
  '/leader',
  '/replica',
  '/read-only',
  '/standby-leader',
  '/standby_leader',
  '/sync',
  '/synchronous',
  '/async',
  '/asynchronous',
  '/read-only-sync',
  '/read-only-synchronous',
  '/quorum',
  '/read-only-quorum',
  '/health',
] as const
export type HealthPath = (typeof healthPaths)[number]

export type HealthQuery = Readonly<{
  /** Bytes, or `16MB`. */
  lag?: number | string
  /** `nosync: 'true'` asks for `tag_nosync=true`. A tag that is false is not there. */
  tags?: Readonly<Record<string, string>>
  /** `streaming`: no released Patroni up to 4.1.4 looks at it. */
  replicationState?: string
}>

/** With the query: `/replica?lag=16MB&tag_zone=a`. */
export function healthTarget(path: HealthPath, {lag, tags = {}, replicationState}: HealthQuery = {}): string {
  const query = new URLSearchParams({
    ...(lag !== undefined && {lag: String(lag)}),
    ...(replicationState !== undefined && {replication_state: replicationState}),
    ...Object.fromEntries(Object.entries(tags).map(([name, value]) => [`tag_${name}`, value])),
  })
  return query.size === 0 ? path : `${path}?${query}`
}
