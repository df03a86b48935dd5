import {buildConnector} from 'undici'

/** PEM, all of it: the caller has read the files. */
export type Tls = Readonly<{
  /** The authorities to believe, in place of the system's. */
  ca?: string | undefined
  /** Our own certificate, with `key`. */
  cert?: string | undefined
  key?: string | undefined
  /** The name that the server's certificate must have, where it is not the one in the URL. */
  serverName?: string | undefined
}>

/** For requests that wait without end: how a connection is found to lead nowhere. */
export type Liveness = Readonly<{
  /** Limit of the TCP and TLS handshake, in milliseconds; absent: the exchange's alone. */
  connectMs?: number | undefined
  /** After so long a silence the kernel asks whether the other side is there (TCP keepalive). */
  keepAliveMs?: number | undefined
}>

/** The socket of one exchange while it connects. */
export type Dialing = {socket: Readonly<{destroy(error: Error): unknown}> | null}

export type Connector = Readonly<{
  dial(dialing: Dialing): buildConnector.connector
  /** We have a certificate of our own. */
  hasCertificate: boolean
}>

/** Opens connections, HTTP/1.1 only. Throws node's error on PEM that is none. */
export function connectorOf(
  {ca, cert, key, serverName}: Tls = {},
  {connectMs = 0, keepAliveMs}: Liveness = {},
): Connector {
  const connect = buildConnector({
    allowH2: false,
    // The exchange has a limit of its own.
    timeout: connectMs,
    ...(keepAliveMs !== undefined && {keepAliveInitialDelay: keepAliveMs}),
    ...(ca !== undefined && {ca}),
    ...(cert !== undefined && {cert}),
    ...(key !== undefined && {key}),
    ...(serverName !== undefined && {servername: serverName}),
  }) as (...args: Parameters<buildConnector.connector>) => NonNullable<Dialing['socket']>
  return {
    hasCertificate: cert !== undefined,
    dial(dialing) {
      let isDialed = false
      return (options, callback) => {
        // undici connects anew where the server closes before the request is written: without end.
        if (isDialed) return callback(Object.assign(new Error('the server closed the connection'), {code}), null)
        isDialed = true
        dialing.socket = connect(options, (...result) => {
          dialing.socket = null
          callback(...result)
        })
      }
    },
  }
}

const code = 'ECONNRESET'
