import {homedir, userInfo} from 'node:os'

/** `process.env`, handed in by whoever starts the program: nothing here reads it by itself. */
export type Environment = Readonly<Record<string, string | undefined>>

/** libpq treats an empty variable like an absent one. */
export const variable = (env: Environment, name: string): string | null => env[name] || null

/**
 * HAProxy runs checks with an empty environment, so the password database is asked too. A uid
 * without a name has no home: what does not exist is named.
 */
export function homeOf(env: Environment): string {
  try {
    return variable(env, 'HOME') ?? homedir()
  } catch {
    return '/nonexistent'
  }
}

/** `null` in a container whose uid has no name. */
export function osUser(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
