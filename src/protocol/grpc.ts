/**
 * What gRPC adds to HTTP/2 (PROTOCOL-HTTP2.md and statuscodes.md of gRPC), as far as one call with
 * one message each way needs it.
 */
export const grpcStatus = {
  ok: 0,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const
export type GrpcStatus = (typeof grpcStatus)[keyof typeof grpcStatus]

/** A call that ends with a status other than 0. The message is for people, and holds no secret. */
export class GrpcError extends Error {
  readonly status: GrpcStatus

  constructor(status: GrpcStatus, message: string) {
    super(message)
    this.name = 'GrpcError'
    this.status = status
  }
}

/**
 * For `grpc-message`: UTF-8, of which all bytes but printable ASCII, and `%`, are written as `%XX`.
 */
export const percentEncoded = (text: string): string =>
  [...new TextEncoder().encode(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')

/**
 * The text of a `grpc-message`. What is no `%XX` stays as it is; bytes that are no UTF-8 become
 * U+FFFD.
 */
export function percentDecoded(encoded: string): string {
  const bytes: number[] = []
  for (const part of encoded.match(/%[0-9a-f]{2}|./gisu) ?? [])
    if (/^%[0-9a-f]{2}$/i.test(part)) bytes.push(Number.parseInt(part.slice(1), 16))
    else bytes.push(...new TextEncoder().encode(part))
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

const unitMs: Readonly<Record<string, number>> = {n: 1e-6, u: 1e-3, m: 1, S: 1_000, M: 60_000, H: 3_600_000}

/** Milliseconds of a `grpc-timeout` (`1999917u`); `null`: it is none. */
export function grpcTimeoutMs(text: string): number | null {
  const [, digits, unit] = /^(\d{1,8})([numSMH])$/.exec(text) ?? []
  return digits === undefined || unit === undefined ? null : Number(digits) * (unitMs[unit] ?? 0)
}
