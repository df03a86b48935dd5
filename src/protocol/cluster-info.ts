/**
 * The gRPC call of harepd, by hand: `models.ClusterInfo/GetClusterInfo` with two flat messages of proto3
 * (protobuf.dev, "Encoding"; "gRPC over HTTP2", PROTOCOL-HTTP2.md of gRPC). A library would be a hundred times
 * the size of these two messages.
 */
export const clusterInfoPath = '/models.ClusterInfo/GetClusterInfo'

/** `WhatYouKnow`: who asks. harepd sends `nodeId` -1 where it has none, and never a name. */
export type ClusterQuestion = Readonly<{ip: string; nodeId: number; nodeName: string}>

/** `IKnow`: what repmgr's table says at the node that answers. Addresses are IPv4, in no order. */
export type ClusterReply = ClusterQuestion &
  Readonly<{witness: string; slaves: readonly string[]; master: readonly string[]}>

/**
 * The header by which two pgroute66 know each other. With it in the question, the reply has the header as well, and
 * the JSON of `GET /v1/view` as one more field, which harepd's decoder skips. harepd sends neither.
 */
export const viewHeader = 'pgroute66-view'
export const viewVersion = '1'
/** The group that the question is about; absent: the only one. harepd has one cluster, and ignores it. */
export const groupHeader = 'pgroute66-group'

/** A message of harepd has some hundred bytes, and no more addresses than its cluster has nodes. */
export const largestMessage = 64 * 1024
/** A reply with a view of a thousand hosts. */
export const largestReply = 1 << 20
const mostValues = 1_000

/** The field numbers of the .proto, by name: `text`, `int32`, or `texts` for a repeated field. */
const questionFields = {ip: 1, nodeId: 2, nodeName: 3} as const
const replyFields = {...questionFields, witness: 4, slaves: 5, master: 6, view: 66} as const

export function encodeQuestion({ip, nodeId, nodeName}: ClusterQuestion): Uint8Array {
  const {ip: one, nodeId: two, nodeName: three} = questionFields
  return joined([textField(one, ip), intField(two, nodeId), textField(three, nodeName)])
}

/** `view`: the JSON of `GET /v1/view`, for a peer that asked with `viewHeader`. */
export function encodeReply(reply: ClusterReply, view = ''): Uint8Array {
  const {witness, slaves, master} = replyFields
  return joined([
    encodeQuestion(reply),
    textField(witness, reply.witness),
    ...reply.slaves.map((address) => textField(slaves, address, true)),
    ...reply.master.map((address) => textField(master, address, true)),
    textField(replyFields.view, view),
  ])
}

/** Throws SyntaxError on anything else than such a message. Fields of a later .proto are skipped. */
export function decodeQuestion(message: Uint8Array): ClusterQuestion {
  const fields = fieldsOf(message)
  const {ip, nodeId, nodeName} = questionFields
  return {ip: lastText(fields, ip), nodeId: lastInt(fields, nodeId), nodeName: lastText(fields, nodeName)}
}

/** Throws SyntaxError on anything else than such a message. Fields of a later .proto are skipped. */
export function decodeReply(message: Uint8Array): ClusterReply {
  const fields = fieldsOf(message)
  const {ip, nodeId, nodeName, witness, slaves, master} = replyFields
  return {
    ip: lastText(fields, ip),
    nodeId: lastInt(fields, nodeId),
    nodeName: lastText(fields, nodeName),
    witness: lastText(fields, witness),
    slaves: allTexts(fields, slaves),
    master: allTexts(fields, master),
  }
}

/** The JSON of the peer's view; empty: the reply has none. Throws SyntaxError as `decodeReply` does. */
export const viewIn = (message: Uint8Array): string => lastText(fieldsOf(message), replyFields.view)

/** A message with its prefix: not compressed, and its length in four bytes. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + message.length)
  new DataView(frame.buffer).setUint32(1, message.length)
  frame.set(message, 5)
  return frame
}

/** The one message of a body. Throws SyntaxError where it is compressed, too long, cut off, or not alone. */
export function unframed(body: Uint8Array, largest = largestReply): Uint8Array {
  if (body.length < 5) throw new SyntaxError('a gRPC message is cut off')
  if (body[0] !== 0) throw new SyntaxError('a gRPC message is compressed')
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1)
  if (length > largest) throw new SyntaxError(`a gRPC message has ${length} bytes`)
  if (body.length !== 5 + length) throw new SyntaxError('a gRPC body is not one message')
  return body.subarray(5)
}

type Field = Readonly<{number: number}> & Readonly<{kind: 'int'; value: bigint} | {kind: 'bytes'; value: Uint8Array}>

function fieldsOf(message: Uint8Array): readonly Field[] {
  if (message.length > largestReply) throw new SyntaxError(`a message has ${message.length} bytes`)
  const fields: Field[] = []
  for (let at = 0; at < message.length; ) {
    if (fields.length >= mostValues) throw new SyntaxError('a message has too many fields')
    const [tag, begin] = varint(message, at)
    const [number, type] = [Number(tag >> 3n), Number(tag & 7n)]
    if (number === 0 || number > 0x1fffffff) throw new SyntaxError('a message has a field without a number')
    if (type === 0) {
      const [value, end] = varint(message, begin)
      fields.push({number, kind: 'int', value})
      at = end
    } else if (type === 2) {
      const [length, from] = varint(message, begin)
      at = from + Number(length)
      if (length > BigInt(message.length) || at > message.length) throw new SyntaxError('a message is cut off')
      fields.push({number, kind: 'bytes', value: message.subarray(from, at)})
    } else if (type === 1 || type === 5) {
      at = begin + (type === 1 ? 8 : 4)
      if (at > message.length) throw new SyntaxError('a message is cut off')
    } else throw new SyntaxError(`a message has a field of type ${type}`)
  }
  return fields
}

/** The value at `at`, and where the next one begins. */
function varint(bytes: Uint8Array, at: number): readonly [bigint, number] {
  let value = 0n
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[at + index]
    if (byte === undefined) throw new SyntaxError('a message is cut off')
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return [value, at + index + 1]
  }
  throw new SyntaxError('a message has a number without end')
}

/** Of a field that stands there twice the last one counts, as proto3 says. */
function lastInt(fields: readonly Field[], number: number): number {
  const found = fields.findLast((field) => field.number === number)
  if (found === undefined) return 0
  if (found.kind !== 'int') throw new SyntaxError(`field ${number} is not a number`)
  return Number(BigInt.asIntN(32, found.value))
}

const lastText = (fields: readonly Field[], number: number): string => allTexts(fields, number).at(-1) ?? ''

function allTexts(fields: readonly Field[], number: number): readonly string[] {
  return fields
    .filter((field) => field.number === number)
    .map((field) => {
      if (field.kind !== 'bytes') throw new SyntaxError(`field ${number} is not a text`)
      try {
        return new TextDecoder('utf-8', {fatal: true}).decode(field.value)
      } catch {
        throw new SyntaxError(`field ${number} is not UTF-8`)
      }
    })
}

/** Proto3 leaves out what is empty; in a repeated field an empty text stands for itself. */
function textField(number: number, text: string, isRepeated = false): Uint8Array {
  if (text === '' && !isRepeated) return new Uint8Array()
  const bytes = new TextEncoder().encode(text)
  return joined([varintOf(BigInt((number << 3) | 2)), varintOf(BigInt(bytes.length)), bytes])
}

/** A negative int32 takes ten bytes: it is extended to 64 bits. */
const intField = (number: number, value: number): Uint8Array =>
  value === 0 ? new Uint8Array() : joined([varintOf(BigInt(number << 3)), varintOf(BigInt.asUintN(64, BigInt(value)))])

function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Uint8Array.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, {length}) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
