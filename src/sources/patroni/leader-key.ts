/**
 * What a linearizable read of the cluster's keys in the DCS says. `unread`: it could not be read, or
 * was not yet.
 */
export type LeaderKey = Readonly<
  | {kind: 'unread'; why: string}
  | {
      kind: 'read'
      /** Monotonic. */
      askedAt: number
      /** The name of the member that the key `leader` holds; `null`: the key is absent. */
      leader: string | null
      /** What is left of the lease, and what it was given; `null`: not known, or no lease. */
      lease: Readonly<{leftMs: number; grantedMs: number}> | null
      members: readonly KeyMember[]
    }
>

/** A member as its own key tells: without an age, and so no evidence by itself. */
export type KeyMember = Readonly<{
  name: string
  state: string | null
  role: string | null
  timeline: number | null
  /** Where its PostgreSQL and its REST API are. */
  address: PostgresAddress | null
  apiUrl: string | null
}>
export type PostgresAddress = Readonly<{host: string; port: number}>
