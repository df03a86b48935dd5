export type Document = Readonly<Record<string, unknown>>

/** Stands for every secret. The same length for all: a length is a hint too. */
export const mask = '********'

/** Leaves out the keys that have no value. */
export const given = (document: Document): Document =>
  Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null))
