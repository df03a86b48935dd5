import {createHash} from 'node:crypto'
import type {Config} from '../config.ts'
import {effective} from './effective.ts'

/**
 * Tells one configuration from another: the first 12 hex digits of the SHA-256 of what `config show
 * --json` prints. Secrets are masked there, so that the hash can be shown: a guess at a password cannot
 * be tried with it.
 */
export const fingerprint = (config: Config): string =>
  createHash('sha256')
    .update(JSON.stringify(effective(config)))
    .digest('hex')
    .slice(0, 12)
