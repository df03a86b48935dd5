/** An identifier of SQL (PostgreSQL documentation, 4.1 "Lexical Structure"). */
export const sqlIdentifier = (name: string): string =>
  /^[a-z_][a-z0-9_]{0,62}$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`

/** A string constant of SQL, standard-conforming: a backslash has no meaning in it (4.1.2.1). */
export const sqlLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`
