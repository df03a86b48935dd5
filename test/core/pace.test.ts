import {describe, expect, test} from 'vitest'
import {Pace} from '../../src/monitor/pace.ts'
import {probeSettings} from '../support/settings.ts'

describe('tempo', () => {
  const settled = () => {
    const tempo = new Pace()
    tempo.judged('primary')
    return tempo
  }
  test('a settled group is asked at the interval', () => expect(settled().intervalMs(0, probeSettings)).toBe(1_000))
  test('a new group is asked fast', () => expect(new Pace().intervalMs(0, probeSettings)).toBe(100))
  test('a fast interval that is longer than the interval is not used', () =>
    expect(new Pace().intervalMs(0, {...probeSettings, fastIntervalMs: 5_000})).toBe(1_000))
  for (const kind of ['no-primary', 'split-brain', 'unconfirmed', 'starting'] as const)
    test(`${kind}: fast, for a minute on end`, () => {
      const tempo = settled()
      tempo.judged(kind)
      expect(tempo.isFast(0)).toBe(true)
      expect(tempo.isFast(59_999)).toBe(true)
      expect(tempo.isFast(60_000)).toBe(false)
      expect(tempo.isFast(1e9)).toBe(false)
    })
  test('a change makes it fast for ten seconds', () => {
    const tempo = settled()
    tempo.changed(1_000)
    expect(tempo.isFast(10_999)).toBe(true)
    expect(tempo.isFast(11_000)).toBe(false)
  })
  test('changes without end do not make it fast for longer than a minute', () => {
    const tempo = settled()
    for (let now = 0; now < 200_000; now += 1_000) {
      tempo.changed(now)
      expect(tempo.isFast(now)).toBe(now < 60_000)
    }
  })
  test('calm in between begins a new minute', () => {
    const tempo = settled()
    tempo.judged('no-primary')
    expect([tempo.isFast(0), tempo.isFast(70_000)]).toEqual([true, false])
    tempo.judged('primary')
    expect(tempo.isFast(80_000)).toBe(false)
    tempo.judged('no-primary')
    expect(tempo.isFast(90_000)).toBe(true)
  })
})
