import {expect, test} from 'vitest'
import {
  type ClusterReply,
  decodeQuestion,
  decodeReply,
  encodeQuestion,
  encodeReply,
  framed,
  unframed,
} from '../../src/protocol/cluster-info.ts'
import {seededRandom} from '../support/seeded-random.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hexOf = (message: Uint8Array) => Buffer.from(message).toString('hex')

/** As harepd's own client sent it. */
const recorded = '00000000150a0831302e302e302e3210ffffffffffffffffff01'
const question = {ip: '10.0.0.2', nodeId: -1, nodeName: ''}
const reply: ClusterReply = {
  ip: '10.0.0.1',
  nodeId: 3,
  nodeName: 'node_1',
  witness: '10.0.0.9',
  slaves: ['10.0.0.2', '10.0.0.3'],
  master: ['10.0.0.1'],
}

test('a question has the bytes that harepd sends, and is read again', () => {
  expect(hexOf(framed(encodeQuestion(question)))).toBe(recorded)
  expect(decodeQuestion(unframed(bytes(recorded)))).toEqual(question)
})

test('a reply is read as it was written: empty, repeated and negative values included', () => {
  for (const one of [
    reply,
    {...reply, nodeId: -2_147_483_648, nodeName: 'nöde', slaves: [], master: []},
    {...reply, ip: '', nodeId: 0, witness: '', slaves: ['', ''], master: ['a'.repeat(300)]},
  ])
    expect(decodeReply(encodeReply(one))).toEqual(one)
})

test('fields of a later version are skipped, and of two the last one counts', () => {
  // A text, a number, eight bytes and four bytes.
  const later = `${hexOf(encodeReply(reply))}3a016140054900000000000000005d00000000`
  expect(decodeReply(bytes(later))).toEqual(reply)
  expect(decodeReply(bytes(`${hexOf(encodeReply(reply))}0a0161`)).ip).toBe('a')
})

test.each([
  ['is cut off before its length', '0000', /cut off/],
  ['is compressed', '0100000000', /compressed/],
  ['is longer than any', '00ffffffff', /4294967295 bytes/],
  ['is shorter than it says', '000000000500', /not one message/],
  ['is followed by another', '00000000000000000000', /not one message/],
])('a frame is refused that %s', (_, hex, reason) => {
  expect(() => unframed(bytes(hex))).toThrow(reason)
})

test.each([
  ['a number without end', 'ff'.repeat(11), /without end/],
  ['a text that is cut off', '0a05', /cut off/],
  ['a text of an endless length', '0affffffffffffffff7f', /cut off/],
  ['a group', '0b', /type 3/],
  ['a field without number', '0200', /without a number/],
  ['a number where a text belongs', '0801', /not a text/],
  ['a text where a number belongs', '120161', /not a number/],
  ['what is not UTF-8', '0a01ff', /UTF-8/],
  ['a fixed value that is cut off', '4900', /cut off/],
  ['too many fields', '0a00'.repeat(1_001), /too many/],
])('a message is refused with %s', (_, hex, reason) => {
  expect(() => decodeReply(bytes(hex))).toThrow(reason)
})

test('of 300 damaged messages each is read or refused, and none is anything else', () => {
  const random = seededRandom(1)
  const whole = framed(encodeReply(reply))
  let refused = 0
  for (let count = 0; count < 300; count += 1) {
    const damaged = Uint8Array.from(whole)
    for (let hits = 0; hits < 1 + random() * 6; hits += 1)
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256)
    const cut = random() < 0.3 ? damaged.subarray(0, Math.floor(random() * damaged.length)) : damaged
    try {
      for (const text of decodeReply(unframed(cut)).master) expect(typeof text).toBe('string')
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError)
      refused += 1
    }
  }
  expect(refused).toBeGreaterThan(100)
})
