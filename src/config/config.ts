import type {ActuatorSettings} from '../core/actuator-settings.ts'
import type {MonitorSettings} from '../core/settings.ts'

/** A PEM text, decoded and checked, or the file that holds it (read again when it changes). */
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
    /** The path of the file; `null`: from connection strings or the environment. */
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
    /** What works, and what the operator should know: readable secrets, hosts in no group, idle keys. */
    warnings: readonly Warning[]
  }>
export type Warning = Readonly<{path: string; message: string; next: string}>
