// Messages of the protocol (PostgreSQL documentation, 55.7), as a fake server writes them.

export type Column = Readonly<{name: string; oid: number}>

/** The values of one answer, in the columns' order. */
export type Values = readonly (string | null)[]

export const message = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
export const int = (value: number, bytes: 2 | 4) => {
  const buffer = Buffer.alloc(bytes)
  if (bytes === 2) buffer.writeInt16BE(value)
  else buffer.writeInt32BE(value)
  return buffer
}
export const cstring = (value: string) => Buffer.from(`${value}\0`)
export const rowDescription = (columns: readonly Column[]) =>
  message(
    'T',
    int(columns.length, 2),
    ...columns.map(({name, oid}) =>
      Buffer.concat([cstring(name), int(0, 4), int(0, 2), int(oid, 4), int(-1, 2), int(-1, 4), int(0, 2)]),
    ),
  )
export const dataRow = (values: Values) =>
  message(
    'D',
    int(values.length, 2),
    ...values.map((value) =>
      value === null ? int(-1, 4) : Buffer.concat([int(Buffer.byteLength(value), 4), Buffer.from(value)]),
    ),
  )
