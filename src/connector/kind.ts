/** What a connection is for. Reads and writes to one host have connections of their own. */
export type Kind = 'read' | 'write'
