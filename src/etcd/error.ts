import type {FailureReason} from '../http/failure-reason.ts'

/** `auth`: a user, a password or a permission. `malformed`: not an answer of etcd. */
export type EtcdErrorReason = FailureReason | 'auth' | 'not-supported' | 'malformed' | 'refused'

/** Why etcd did not answer. The text holds no password. */
export class EtcdError extends Error {
  readonly reason: EtcdErrorReason
  /** `null`: no endpoint was asked. */
  readonly endpoint: string | null

  constructor(reason: EtcdErrorReason, endpoint: string | null, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : {cause})
    this.name = 'EtcdError'
    this.reason = reason
    this.endpoint = endpoint
  }
}

/**
 * etcd says in words alone what InvalidArgument is about: no user, a wrong password, a token that
 * ended, a permission, or a client certificate in place of a user, which the gateway does not take.
 */
export const isAboutUser = (text: string): boolean =>
  /user name is empty|authentication failed|permission denied|invalid auth token|CommonName of client/i.test(text)
