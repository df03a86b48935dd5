/** One instance of a set, as another one sees it. */
export type WireInstance = Readonly<{
  id: string
  url: string
  version: string
  config_hash: string
  leaving: boolean
  /** Groups that it owns by the registry. */
  groups: number
  /** The answering instance hears it; `null`: it is the answering instance. */
  heard: boolean | null
}>

/** `GET /v1/instances`: the set as one instance sees it. */
export type WireSet = Readonly<{
  set: string
  /** The instance that answers. */
  id: string
  config_hash: string
  /** The configuration that an operator chose; `null`: none. */
  adopted: string | null
  registry: Readonly<{
    /** Why etcd is not followed now; `null`: it is. */
    lost: string | null
    /** This instance may write, and counts as alive. */
    lease_valid: boolean
    /** Of the member that answered last, in bytes; `null`: not known. */
    size_bytes: number | null
    quota_bytes: number | null
  }>
  /** What an operator should know. */
  warnings: readonly string[]
  instances: readonly WireInstance[]
  /** By group. `owner` null: none that is alive. */
  groups: Readonly<Record<string, Readonly<{owner: string | null; epoch: number; config_hash: string | null}>>>
}>
