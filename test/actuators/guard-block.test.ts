import {expect, test} from 'vitest'
import {blockText, findBlock, withBlock} from '../../src/actuators/guard/block.ts'
import {type GateRules, type Gates, shut} from '../../src/core/node/guard-settings.ts'

const rules: GateRules = {
  databases: ['all'],
  readWrite: ['harw', 'app'],
  readOnly: ['haro'],
  addresses: ['10.21.57.65/32', 'fd00::/8', 'local'],
  allow: 'scram-sha-256',
  deny: 'reject',
}
const open: Gates = {readWrite: 'allow', readOnly: 'allow'}
const site = 'local all postgres peer\nhost all all 10.0.0.0/8 scram-sha-256\n'

/** The new text; a refusal throws. */
const changed = (text: string, gates: Gates): string => {
  const change = withBlock(text, rules, gates)
  if (change.kind === 'refused') throw new Error(change.why)
  return change.kind === 'same' ? text : change.text
}

test('a block has a line for each set of users and address', () => {
  expect(blockText(rules, {readWrite: 'deny', readOnly: 'allow'}).split('\n').slice(1, -2)).toEqual([
    'host  all  harw,app  10.21.57.65/32  reject       ',
    'host  all  harw,app  fd00::/8  reject       ',
    'local  all  harw,app  reject       ',
    'host  all  haro  10.21.57.65/32  scram-sha-256',
    'host  all  haro  fd00::/8  scram-sha-256',
    'local  all  haro  scram-sha-256',
  ])
})

test('allow and deny have the same length, so that a full disk has room for a deny', () => {
  expect(blockText(rules, open)).toHaveLength(blockText(rules, shut).length)
  const change = withBlock(changed(site, open), rules, shut)
  expect(change).toMatchObject({kind: 'write', inPlace: {start: 0, block: blockText(rules, shut)}})
})

test('the block stands above every line, and all other bytes stay', () => {
  const text = changed(site, shut)
  expect(text.indexOf('host  all  harw')).toBeLessThan(text.indexOf('local all postgres'))
  expect(text.endsWith(site)).toBe(true)
  expect(changed(changed(text, open), shut)).toBe(text)
  expect(withBlock(text, rules, shut)).toEqual({kind: 'same'})
})

test.each([
  {given: 'no last newline', text: 'host all all 10.0.0.0/8 md5'},
  {given: 'lines that end in CR LF', text: 'host all all 10.0.0.0/8 md5\r\n# c\r\n'},
  {given: 'bytes that are no UTF-8', text: '# Zo\xeb\nhost all all all md5\n'},
  {given: 'no byte at all', text: ''},
])('what is not the block keeps its bytes: $given', ({text}) => {
  expect(changed(text, shut).endsWith(text)).toBe(true)
  expect(changed(changed(text, shut), open).endsWith(text)).toBe(true)
})

test('a block goes with the line ends of its file', () => {
  const text = changed('host all all all md5\r\n', shut)
  expect(text.split('\n').every((line) => line === '' || line.endsWith('\r'))).toBe(true)
})

test('a block below another line goes back to the top: the first line that matches decides', () => {
  const moved = `host all all all trust\n${blockText(rules, open)}${site}`
  expect(changed(moved, open)).toBe(`${blockText(rules, open)}host all all all trust\n${site}`)
  expect(withBlock(moved, rules, shut)).toMatchObject({kind: 'write', inPlace: null})
})

const [begin, end] = ['# pgroute66 guard: begin\n', '# pgroute66 guard: end\n']
test.each([
  ['no end', `${begin}host all app all reject\n${site}`],
  ['no begin', `host all app all reject\n${end}${site}`],
  ['two blocks', `${begin}${end}${begin}${end}`],
  ['an end before the begin', `${end}${begin}`],
])('markers that make no block are refused: %s', (_, text) => {
  expect(findBlock(text)).toMatchObject({kind: 'damaged', why: expect.stringMatching(/begin.*\(lines [\d, ]+\)/)})
  expect(withBlock(text, rules, shut).kind).toBe('refused')
})
