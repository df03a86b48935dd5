/** A member, as a discovery tells of it. */
export type MemberAddress = Readonly<{
  /** Root of its REST API: `http://10.0.0.1:8008`. */
  url: string
  /** `null`: the registrator does not know it. */
  name: string | null
}>

/** Where the members are. Rejects where it cannot be told; none: nothing is registered. */
export type Discovery = Readonly<{
  members(signal?: AbortSignal): Promise<readonly MemberAddress[]>
}>
