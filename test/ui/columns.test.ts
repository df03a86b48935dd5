import {describe, expect, test} from 'vitest'
import {type ColumnKey, columns, gapOf, shownColumns} from '../../src/ui/table/columns.ts'

/** What an ordinary cluster's texts take. */
const natural: Partial<Record<ColumnKey, number>> = {
  host: 5,
  role: 13,
  since: 6,
  timeline: 2,
  lsn: 10,
  lagBytes: 7,
  lagTime: 6,
  upstream: 8,
  sync: 5,
  backends: 8,
  probe: 6,
  history: 8,
  walRate: 7,
  lagHistory: 8,
  notes: 5,
}
const keysAt = (width: number, given = natural) => shownColumns(given, width).map(({column}) => column.key)
const total = (width: number, given = natural) => {
  const shown = shownColumns(given, width)
  return shown.reduce((sum, item) => sum + item.width, 0) + gapOf(width) * (shown.length - 1)
}

describe('which columns there is room for', () => {
  test.each([
    [20, 'host role'],
    [27, 'host role since'],
    [40, 'host role since timeline lagBytes'],
    [60, 'host role since timeline lagBytes lagTime upstream'],
    [80, 'host role since timeline lsn lagBytes lagTime upstream sync'],
    [100, 'host role since timeline lsn lagBytes lagTime upstream sync notes'],
    [120, 'host role since timeline lsn walRate lagBytes lagTime upstream sync backends probe notes'],
    [
      140,
      'host role since timeline lsn walRate lagBytes lagHistory lagTime upstream sync backends probe history notes',
    ],
  ])('%d cells: %s', (width, keys) => {
    expect(keysAt(width).join(' ')).toBe(keys)
  })

  test('widths from 20 to 200: the columns fit, and host and role are shown', () => {
    for (let width = 20; width <= 200; width++) {
      expect(total(width), `${width}`).toBeLessThanOrEqual(width)
      expect(keysAt(width)).toEqual(expect.arrayContaining(['host', 'role']))
    }
  })

  test('a wider screen never shows fewer columns', () => {
    for (let width = 20; width < 200; width++) {
      // One step wider is one step fewer where the gaps double.
      if (gapOf(width) !== gapOf(width + 1)) continue
      expect(keysAt(width + 1)).toEqual(expect.arrayContaining(keysAt(width)))
    }
  })

  test('columns keep the order of the table, whatever their rank', () => {
    const order = columns.map(({key}) => key)
    const shown = keysAt(200)
    expect(shown).toEqual(order.filter((key) => shown.includes(key)))
  })

  test('a long host name gets at least 24 cells, and more where the screen has room', () => {
    const long = {...natural, host: 63}
    expect(total(80, long)).toBeLessThanOrEqual(80)
    expect(shownColumns(long, 80)[0]?.width).toBeGreaterThanOrEqual(24)
    expect(keysAt(80, long)).toContain('lagBytes')
    expect(shownColumns(long, 200)[0]?.width).toBe(63)
    expect(shownColumns(long, 20)[0]?.width).toBe(6)
  })
})
