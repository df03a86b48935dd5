import type {ConnectionSettings} from '../../core/settings.ts'
import {mask} from './document.ts'

/** A connection as a URI, for `config show`: its password is masked. */
export function maskedUri({host, port, user, password, dbname, sslmode}: ConnectionSettings): string {
  const who = encodeURIComponent(user) + ('text' in password ? `:${mask}` : '')
  const where = host.includes(':') ? `[${host}]` : encodeURIComponent(host)
  return `postgres://${who}@${where}:${port}/${encodeURIComponent(dbname)}?sslmode=${sslmode}`
}

/** `null`: the password is not in a file of its own. */
export const passwordFileOf = ({password}: ConnectionSettings): string | null =>
  password.from === 'password_file' ? password.path : null
