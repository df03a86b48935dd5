import {expect, test} from 'vitest'
import {createMetrics} from '../../src/api/metrics.ts'
import {noon, primary, snapshot} from '../support/snapshots.ts'

test('the metrics of many hosts, scraped twice at once: each line once, each family in one place', async () => {
  const metrics = createMetrics('0.1.0', () => noon.wall)
  const names = Array.from({length: 120}, (_, index) => `host${index}`)
  const shown = snapshot({hosts: Object.fromEntries(names.map((name) => [name, primary()]))})
  const texts = await Promise.all([metrics.render(shown, noon), metrics.render(shown, noon)])
  for (const text of texts) {
    const lines = text.split('\n').filter(Boolean)
    expect(lines.filter((line) => line.startsWith('pgroute66_host_up{'))).toEqual(
      names.map((name) => `pgroute66_host_up{host="${name}"} 1`),
    )
    expect(lines.length).toBe(new Set(lines).size)
    const families = lines.map((line) => /^(?:# (?:HELP|TYPE) )?(pgroute66_host_\w+)/.exec(line)?.[1] ?? '')
    const begins = families.filter((family, index) => family !== '' && family !== families[index - 1])
    expect(begins.length).toBe(new Set(begins).size)
  }
  expect(await metrics.render(snapshot({hosts: {host0: primary()}}), noon)).not.toContain('host119')
})
