import {homedir, userInfo} from 'node:os'

/** `process.env`, passed in by the command. Nothing in this folder reads it by itself. */
export type Environment = Readonly<Record<string, string | undefined>>

/** libpq treats an empty variable like an absent one. */
export const variable = (env: Environment, name: string): string | null => env[name] || null

/**
 * HAProxy runs checks with an empty environment, so /etc/passwd is read too. A uid without an entry
 * there has no home; the path returned for it cannot exist.
 */
export function homeOf(env: Environment): string {
  try {
    return variable(env, 'HOME') ?? homedir()
  } catch {
    return '/nonexistent'
  }
}

/** `null`: the uid has no entry in /etc/passwd, as in many containers. */
export function osUser(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
