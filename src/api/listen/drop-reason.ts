/**
 * Why the API closes a connection by itself: too many are open, the TLS handshake fails, the request is
 * not HTTP, the request or the handshake takes too long, an event stream is not read.
 */
export const dropReasons = ['limit', 'tls', 'malformed', 'slow', 'unread'] as const
export type DropReason = (typeof dropReasons)[number]
export type CountDrop = (reason: DropReason) => void
