import type {ConnectionSettings} from '../../../core/settings.ts'

/**
 * A part of a question that a server may deny or not support. `sql`: the expression; `blank`: what
 * stands for "unknown" in its place, of the same type. `fact`: what is unknown without it; `null`:
 * nothing. `needs`: what the role must be granted.
 */
export type Part = Readonly<{sql: string; blank: string; fact: string | null; needs: readonly string[]}>
export type Parts = Readonly<Record<string, Part>>

export const part = (fact: string | null, needs: string | readonly string[], sql: string, blank: string): Part => ({
  fact,
  needs: typeof needs === 'string' ? [needs] : needs,
  sql,
  blank,
})

/** The expression of each part by name, `blank` for the parts in `without`. */
export const expressionOf = (parts: Parts, without: ReadonlySet<string>) => (name: string) => {
  const {sql, blank} = parts[name] as Part
  return without.has(name) ? blank : sql
}

/** Views among the needs of parts. Every other need is a function with the types of its arguments. */
const isView = (need: string) => !need.endsWith(')')

/**
 * $1: needs. Which of them may the role not use? One round trip, and no error in the server's log. A
 * function that does not exist here is no row: no GRANT would help.
 */
export const deniedSql = `select need from unnest($1::text[]) as need
where not case when need like '%)' then has_function_privilege(to_regprocedure('pg_catalog.' || need)::oid, 'execute')
  else has_table_privilege(to_regclass('pg_catalog.' || need)::oid, 'select') end`

/**
 * What the operator should know of a fact that is left out. `denied`: the needs that the role lacks;
 * none: the part fails for another reason, which `detail` says.
 */
export function warningOf({fact, needs}: Part, denied: readonly string[], detail: string, to: ConnectionSettings) {
  const unknown = `${fact} is unknown, because this server`
  if (denied.length === 0) return `${unknown} refuses ${needs.join(' or ')} (${detail})`
  return `${unknown} denies ${denied.join(' and ')}; as a superuser in database "${to.dbname}": ${grantsOf(denied, to)}`
}

/** Privileges on functions belong to one database: that of the session. */
export const grantsOf = (needs: readonly string[], {user}: ConnectionSettings): string =>
  needs
    .map((need) =>
      isView(need)
        ? `GRANT SELECT ON pg_catalog.${need} TO ${quoted(user)};`
        : `GRANT EXECUTE ON FUNCTION pg_catalog.${need} TO ${quoted(user)};`,
    )
    .join(' ')

const quoted = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)
