import type {ConfigFile} from '../config-file.ts'

/** A member of Patroni, with the place of its PostgreSQL. */
export type LearnedMember = Readonly<{name: string; host: string; port: number}>
/** What the members told of their cluster. */
export type LearnedCluster = Readonly<{scope: string; members: readonly LearnedMember[]}>

/** `urls`: of one member or more, each a root. Files are paths. */
export type PatroniPlace = Readonly<{
  urls: readonly string[]
  caFile: string | null
  certFile: string | null
  keyFile: string | null
}>

/**
 * The cluster behind the hosts that were learned, and where it was asked for. `file`: as it was read, since
 * a new member must not put later edits into force.
 */
export type Learned = Readonly<{file: ConfigFile; place: PatroniPlace; cluster: LearnedCluster}>
