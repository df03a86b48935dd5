import stringWidth from 'string-width'
import {expect, test} from 'vitest'
import {ageText, spanText} from '../../src/core/words/age.ts'
import {bytesText} from '../../src/core/words/bytes.ts'
import {sparkline} from '../../src/ui/table/sparkline.ts'
import {clip, clipMiddle, pad, printable, simple, widthOf, wrap} from '../../src/ui/text/cells.ts'
import {glyphsFor} from '../../src/ui/text/glyphs.ts'
import {cut, line, textOf} from '../../src/ui/text/line.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

test.each([
  [-5000, '0s'],
  [0, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [minute + 5000, '1m05s'],
  [59 * minute + 59_000, '59m59s'],
  [3 * hour + 12 * minute, '3h12m'],
  [12 * day + 4 * hour, '12d4h'],
  [999 * day + 23 * hour, '999d23h'],
  [1500 * day, '1500d'],
])('an age of %d ms is %s', (ms, text) => {
  expect(ageText(ms)).toBe(text)
})

test.each([
  [-1, '0ms'],
  [0, '0ms'],
  [0.42, '0.4ms'],
  [9.96, '10ms'],
  [350, '350ms'],
  [999.6, '1.0s'],
  [1240, '1.2s'],
  [12_400, '12s'],
  [minute, '1m00s'],
])('a span of %d ms is %s', (ms, text) => {
  expect(spanText(ms)).toBe(text)
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 kB'],
  [16_777_216, '16 MB'],
  [1023.4 * 1024, '1023 kB'],
  [1023.9 * 1024, '1.0 MB'],
  [5 * 1024 ** 4, '5.0 TB'],
  [5 * 1024 ** 7, '5242880 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})

test.each([
  ['host1', 5],
  ['● primary', 9],
  ['é', 1],
  ['e\u0301', 1],
  ['接続', 4],
  ['ｆｕｌｌ', 8],
  ['한국', 4],
  ['🐘', 2],
  ['👩‍👧', 2],
  ['👍🏽', 2],
  ['🇨🇭', 2],
  ['❤️', 2],
  ['\u200b', 0],
  ['w\u0301\u0323', 1],
])('%s takes %d cells', (text, width) => {
  expect(widthOf(text)).toBe(width)
})

test('characters that are counted without string-width take one cell each, and the glyphs are among them', () => {
  const all = Array.from({length: 0x1_0000}, (_, code) => String.fromCharCode(code)).filter((one) => simple.test(one))
  expect(all.filter((one) => stringWidth(one) !== 1)).toEqual([])
  const {roles, bars, ...single} = glyphsFor({LANG: 'C.UTF-8'})
  for (const glyph of [...Object.values(roles), ...bars, ...Object.values(single)]) expect(glyph).toMatch(simple)
})

test('clipped text ends in the mark and never exceeds its cells', () => {
  expect(clip('host1', 5)).toBe('host1')
  expect(clip('host10', 5)).toBe('host…')
  expect(clip('接続が', 4)).toBe('接…')
  expect(clip('host', 1)).toBe('…')
  expect(clip('host', 0)).toBe('')
  expect(clip('接続', 2)).toBe('…')
  expect(clip('db👩‍👧west', 4)).toBe('db…')
  expect(clip('e\u0301te\u0301', 2)).toBe('e\u0301…')
  for (const text of ['接続が拒否', 'a接b続c', '👩‍👧👍🏽🇨🇭host', 'e\u0301'.repeat(9)])
    for (let width = 0; width <= 12; width++) {
      expect(widthOf(clip(text, width)), `${text} in ${width}`).toBeLessThanOrEqual(width)
      expect(widthOf(clipMiddle(text, width)), `${text} in ${width}`).toBeLessThanOrEqual(width)
      expect(widthOf(pad(text, width)), `${text} in ${width}`).toBe(width)
    }
  expect(pad('接', 5)).toBe('接   ')
  expect(pad('7', 3, 'right')).toBe('  7')
  expect(textOf(cut([...line('one '), ...line('two', 'bad')], 5, '~'))).toBe('one ~')
})

test('names with a long common beginning keep their end', () => {
  expect(clipMiddle('orders-eu-west-1', 9)).toBe('orde…st-1')
  expect(clipMiddle('orders-eu-west-2', 9)).toBe('orde…st-2')
  expect(clipMiddle('host1', 9)).toBe('host1')
  expect(clipMiddle('host10', 2)).toBe('h…')
  expect(clipMiddle('接続-west-1', 8)).toBe('接続…t-1')
  expect(clipMiddle('接続拒否', 5)).toBe('接…否')
})

test('lines break at spaces, and long words where the line ends', () => {
  expect(wrap('host1 is the only primary', 10)).toEqual(['host1 is', 'the only', 'primary'])
  expect(wrap('a verylongword b', 6)).toEqual(['a', 'verylo', 'ngword', 'b'])
  expect(wrap('接続が拒否', 4)).toEqual(['接続', 'が拒', '否'])
  expect(wrap('接続', 1)).toEqual(['接', '続'])
  expect(wrap('👩‍👧👩‍👧 host', 4)).toEqual(['👩‍👧👩‍👧', 'host'])
  expect(wrap('', 10)).toEqual([''])
})

test('control characters of a server never reach the terminal', () => {
  expect(printable('fatal:\u001b[2J\r\n\u202egone\u0007')).toBe('fatal: [2J gone ')
})

test('a sparkline is as wide as asked, its newest value at the right, with a gap where there was no answer', () => {
  const bars = ['1', '2', '3', '4']
  expect(sparkline([], 4, bars)).toBe('    ')
  expect(sparkline([1, 2, null, 4], 6, bars)).toBe('  23 4')
  expect(sparkline([9, 9, 0, 0], 2, bars)).toBe('11')
})
