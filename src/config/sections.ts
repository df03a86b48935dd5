import {agentSection} from './sections/actuators/agent.ts'
import {haproxySection} from './sections/actuators/haproxy.ts'
import {hooksSection} from './sections/actuators/hooks.ts'
import {pgbouncerSection} from './sections/actuators/pgbouncer.ts'
import {availabilitySection} from './sections/availability.ts'
import {checkSection} from './sections/check.ts'
import {clusterSection} from './sections/cluster.ts'
import {followersSection} from './sections/followers.ts'
import {groupSection, policySection} from './sections/groups/group.ts'
import {grpcSection} from './sections/grpc.ts'
import {guardSection} from './sections/guard/guard.ts'
import {hostSection} from './sections/hosts/host.ts'
import {passwordEncodingSection} from './sections/hosts/password-encoding.ts'
import {listenSection} from './sections/listen.ts'
import {localApiSection} from './sections/local-api.ts'
import {logSection} from './sections/log.ts'
import {probeSection} from './sections/probe.ts'
import {rejoinSection} from './sections/rejoin.ts'
import {stateSection} from './sections/state.ts'
import {v1FormatSection} from './sections/v1-format.ts'

/**
 * All that the configuration is about (DESIGN 8). The file's shape, the settings and the printed
 * document are made from this list, in this order: so problems are told, and keys shown.
 */
export const sections = [
  hostSection,
  groupSection,
  passwordEncodingSection,
  policySection,
  followersSection,
  probeSection,
  availabilitySection,
  listenSection,
  localApiSection,
  grpcSection,
  guardSection,
  stateSection,
  clusterSection,
  logSection,
  v1FormatSection,
  checkSection,
  haproxySection,
  agentSection,
  pgbouncerSection,
  hooksSection,
  rejoinSection,
] as const

type Each = (typeof sections)[number]

/** A | B → A & B. */
export type Together<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never
export type SectionKeys = Together<Each['keys']>
export type SectionSettings = Together<Awaited<ReturnType<Each['settings']>>>
