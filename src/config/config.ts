import type {ActuatorSettings} from '../core/actuator-settings.ts'
import type {MonitorSettings} from '../core/settings.ts'

/** PEM texts, decoded and checked, or the files to read them from (re-read when they change). */
export type Pem = Readonly<{pem: string} | {file: string}>
export type TlsSettings = Readonly<{cert: Pem; key: Pem; clientCa: Pem | null}>

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
    /** Where it came from: a file's path, or `null` for DSNs and the environment. */
    path: string | null
    bind: string
    port: number
    /** `null`: plain HTTP. */
    ssl: TlsSettings | null
    /** Unix socket of the API; `null`: none. */
    socket: string | null
    socketGroup: string | null
    controlSocket: string | null
    tokensFile: string | null
    log: LogSettings
    v1Format: 'documented' | 'released'
    check: Readonly<{timeoutMs: number}>
    /**
     * Things that work but deserve a word: readable secrets, hosts in no group, keys that do
     * nothing.
     */
    warnings: readonly Warning[]
  }>
export type Warning = Readonly<{path: string; message: string; next: string}>
