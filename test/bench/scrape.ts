import {setImmediate as turn} from 'node:timers/promises'
import {createMetrics} from '../../src/api/metrics.ts'
import {toWire} from '../../src/protocol/snapshot-json.ts'
import {type HostDraft, noon, primary, snapshot, standby} from '../support/snapshots.ts'
import {median, ms, type Options, quantile, type Row} from './table.ts'

/** A warm daemon's: the first ones compile. */
const warmUps = 20

/** The metrics of 1,000 hosts (--hosts) in groups of three, beside the same snapshot as JSON in one piece. */
export async function run({short, hosts}: Options): Promise<readonly Row[]> {
  const count = hosts ?? 1_000
  const shown = snapshot(draft(count))
  const metrics = createMetrics('bench', () => noon.wall)
  metrics.watches(Object.values(shown.groups))
  for (const host of Object.keys(shown.hosts)) {
    metrics.meter.connectionOpened(host, null)
    metrics.meter.probed(host, 0.7)
  }
  const [texts, pieces, wholes]: [string[], number[], number[]] = [[], [], []]
  const jsons: number[] = []
  for (let round = -warmUps; round < (short ? 20 : 100); round += 1) {
    const seen = await pieceByPiece(() => metrics.render(shown, noon))
    const begun = performance.now()
    JSON.stringify(toWire(shown, noon))
    if (round < 0) continue
    jsons.push(performance.now() - begun)
    texts[0] = seen.text
    pieces.push(seen.longestMs)
    wholes.push(seen.wholeMs)
  }
  const lines = texts[0]?.split('\n').length ?? 0
  return [
    {
      figure: `/metrics of ${count} hosts: the longest piece in which nothing else runs, median and p95`,
      measured: `${ms(median(pieces))}, ${ms(quantile(pieces, 0.95))}`,
      target: '≤ 10 ms',
      comparison: `the same snapshot as JSON: ${ms(median(jsons))} in one piece`,
      met: median(pieces) <= 10,
    },
    {
      figure: 'the whole scrape',
      measured: `${ms(median(wholes))} for ${lines} lines`,
      target: '',
      comparison: `${(median(wholes) / median(jsons)).toFixed(1)} × the JSON`,
      met: null,
    },
  ]
}

/** Something else that wants each turn of the event loop shows how long it waits for one. */
async function pieceByPiece(render: () => Promise<string>) {
  const begun = performance.now()
  let [text, longestMs]: [string | null, number] = [null, 0]
  const rendering = render().then((rendered) => {
    text = rendered
  })
  for (let last = begun; text === null; ) {
    await turn()
    const now = performance.now()
    longestMs = Math.max(longestMs, now - last)
    last = now
  }
  await rendering
  return {text: text ?? '', longestMs, wholeMs: performance.now() - begun}
}

function draft(count: number) {
  const hosts: Record<string, HostDraft> = {}
  const groups: Record<string, string[]> = {}
  for (let index = 0; index < count; index += 1) {
    const name = `host${index}`
    const group = `group${Math.floor(index / 3)}`
    groups[group] = [...(groups[group] ?? []), name]
    hosts[name] = index % 3 === 0 ? primary() : standby(`host${index - (index % 3)}`)
  }
  return {hosts, groups}
}
