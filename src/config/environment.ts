import {homedir, userInfo} from 'node:os'

/** `process.env`, handed in by whoever starts the program: nothing here reads it by itself. */
export type Environment = Readonly<Record<string, string | undefined>>

/** libpq treats an empty variable like an absent one. */
export const variable = (env: Environment, name: string): string | null => env[name] || null

/** HAProxy runs checks with an empty environment, so the password database is asked too. */
export const homeOf = (env: Environment): string => variable(env, 'HOME') ?? homedir()

/** `null` in a container whose uid has no name. */
export function osUser(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
