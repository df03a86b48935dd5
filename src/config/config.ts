import type {ActuatorSettings} from '../core/actuator-settings.ts'
import type {GuardSettings} from '../core/node/guard-settings.ts'
import type {RejoinSettings} from '../core/node/rejoin-settings.ts'
import type {ClusterSettings, MonitorSettings} from '../core/settings.ts'
import type {Learned} from './learning/learned.ts'

/** A PEM text, decoded and checked, or the file that holds it (read again when it changes). */
export type Pem = Readonly<{pem: string} | {file: string}>
export type TlsSettings = Readonly<{
  cert: Pem
  key: Pem
  clientCa: Pem | null
  /** Revoked client certificates; `null` or absent: no list is checked. */
  clientCrl?: Readonly<{file: string}> | null
}>

/**
 * Answers about one host in the words of another program, on ports of their own. `null`: that port
 * stays closed.
 */
export type LocalApiSettings = Readonly<{
  /** The host that the answers are about: the one on this machine. */
  host: string
  patroni: LocalPatroniSettings | null
  primgr: Readonly<{bind: string; port: number}> | null
}>
export type LocalPatroniSettings = Readonly<{
  bind: string
  port: number
  /** `null`: plain HTTP. */
  ssl: TlsSettings | null
  /** The version of Patroni that clients are told: three numbers. */
  localVersion: string
  /** Of the local host, for `tag_…` and the bodies. */
  tags: Readonly<Record<string, string>>
}>

/** The gRPC call of harepd, for harepd and for other pgroute66. `tls`: `null`: in the clear. */
export type GrpcSettings = Readonly<{bind: string; port: number; tls: TlsSettings | null}>

export type LogSettings = Readonly<{
  level: 'debug' | 'info' | 'warn' | 'error'
  format: 'text' | 'json'
  file: string | null
}>

/**
 * The whole configuration: frozen, every default filled in, every problem already reported.
 * Durations are milliseconds.
 */
export type Config = MonitorSettings &
  ActuatorSettings &
  Readonly<{
    /** The path of the file; `null`: from connection strings or the environment. */
    path: string | null
    /** Where the hosts were learned; `null`: they are written. */
    learned: Learned | null
    bind: string
    port: number
    /** `null`: plain HTTP. */
    ssl: TlsSettings | null
    /** Unix socket of the API; `null`: none. */
    socket: string | null
    socketGroup: string | null
    controlSocket: string | null
    tokensFile: string | null
    /** The host on this machine; `null`: neither given nor needed. */
    local: string | null
    localApi: LocalApiSettings | null
    /** `null`: the call is not answered. */
    grpc: GrpcSettings | null
    /** `null`: this file is for no guard. */
    guard: (GuardSettings & Readonly<{grpc: GrpcSettings | null}>) | null
    /** `null`: `pgroute66 rejoin` has nothing to work on. */
    rejoin: RejoinSettings | null
    /** The instances that share the groups; `null`: this process watches all of them. */
    cluster: ClusterSettings | null
    log: LogSettings
    /** Which timers are the defaults of `probe`, which holds the values in force. */
    profile: 'fast' | 'normal' | 'wan'
    v1Format: 'documented' | 'released'
    check: Readonly<{timeoutMs: number}>
    /** What works, and what the operator should know: readable secrets, hosts in no group, idle keys. */
    warnings: readonly Warning[]
  }>
export type Warning = Readonly<{path: string; message: string; next: string}>
