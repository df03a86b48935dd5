import {describe, expect, test} from 'vitest'
import {causeOfErrno, causeOfSqlstate} from '../../src/core/facts/causes.ts'
import {type Cause, isBlind, isSilent} from '../../src/core/vocabulary.ts'

const sqlstates: readonly [string, Cause, string][] = [
  ['57P03', 'not-accepting', 'the postmaster starts, recovers or stops'],
  ['53300', 'too-many-connections', 'no slot is left'],
  ['28P01', 'auth', 'a wrong password'],
  ['28000', 'auth', 'no line in pg_hba.conf'],
  ['28ZZZ', 'auth', 'a code of class 28 that is not in the table'],
  ['3D000', 'auth', 'a database that is not there: ours to mend'],
  ['42501', 'auth', 'a missing privilege: ours to mend'],
  ['57P01', 'closed', 'a shutdown or pg_terminate_backend'],
  ['57P02', 'closed', 'another backend crashed'],
  ['57014', 'timeout', 'statement_timeout'],
  ['XX000', 'error', 'an internal error'],
  ['08P01', 'error', 'a protocol violation'],
]

const errnos: readonly [string, Cause, string][] = [
  ['ECONNREFUSED', 'refused', 'nobody listens'],
  ['ENOENT', 'refused', 'no socket file'],
  ['ECONNRESET', 'closed', 'a reset'],
  ['ETIMEDOUT', 'timeout', 'nobody answers'],
  ['EAGAIN', 'timeout', 'a unix socket with a full backlog'],
  ['EHOSTUNREACH', 'timeout', 'a router answers, not the host'],
  ['ENOTFOUND', 'dns', 'no such name'],
  ['EAI_AGAIN', 'dns', 'a resolver that is away'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', 'another name in the certificate'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', 'a self-signed certificate'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls', 'an unknown authority'],
  ['CERT_REVOKED', 'tls', 'a revoked certificate'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'no TLS there'],
  ['EMFILE', 'error', 'our own file descriptors are used up'],
]

describe('SQLSTATE to cause', () => {
  for (const [code, cause, given] of sqlstates)
    test(`${code} ${given}: ${cause}`, () => expect(causeOfSqlstate(code)).toBe(cause))
})

describe('errno to cause', () => {
  for (const [code, cause, given] of errnos)
    test(`${code} ${given}: ${cause}`, () => expect(causeOfErrno(code)).toBe(cause))
})

test('a host of which we heard nothing is silent, never refused', () => {
  for (const code of ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAGAIN'])
    expect(isSilent(causeOfErrno(code))).toBe(true)
})

test('what is ours to mend is blind', () => {
  for (const code of ['28P01', '28000', '3D000', '42501']) expect(isBlind(causeOfSqlstate(code))).toBe(true)
})
