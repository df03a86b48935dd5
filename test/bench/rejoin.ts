import {
  archived,
  type Book,
  BookedWriter,
  type FailedOver,
  failOver,
  failoverKinds,
  makeSynchronous,
  missingOn,
} from '../support/rejoin-failovers.ts'
import {startRejoinStage} from '../support/rejoin-stage.ts'
import {pick, seededRandom} from '../support/seeded-random.ts'
import {median, ms, type Options, type Row} from './table.ts'

/**
 * Random failovers (--runs, 30) under write load, with synchronous replication: each old primary comes
 * back by `rejoin --auto`, max_loss_commits 1000, and the clients' own book has nothing that is lost.
 */
export async function run({runs, short}: Options): Promise<readonly Row[]> {
  await using stage = await startRejoinStage()
  await makeSynchronous(stage)
  const random = seededRandom(66)
  const book: Book = {acked: new Set()}
  let primary = stage.host1
  const writers = Array.from({length: 4}, (_, index) => new BookedWriter(`client${index}`, book, () => primary))
  const all: FailedOver[] = []
  try {
    for (let turn = 0; turn < (runs ?? (short ? 4 : 30)); turn += 1) {
      const kind = pick(random, failoverKinds)
      const ran = await failOver(stage, primary, {
        kind,
        moveTo: (next) => {
          primary = next
        },
        leave: () => {
          for (const writer of writers) writer.leave()
        },
      })
      all.push(ran)
      const commits = `${ran.discarded} discarded, ${book.acked.size} acknowledged`
      const figures = `exit ${ran.exit}, ${ms(ran.rejoinMs)}, ${commits}`
      console.log(`  ${turn + 1} ${kind}: ${figures}`)
      if (ran.exit !== 0) throw new Error(ran.output)
    }
  } finally {
    for (const writer of writers) await writer[Symbol.asyncDispose]()
  }
  const lost = await missingOn(primary, book)
  const times = all.map(({rejoinMs}) => rejoinMs).sort((a, b) => a - b)
  if (lost.length > 0) console.log(`  lost: ${lost.slice(0, 10).join(', ')}`)
  const row = (figure: string, measured: string, target = '', met: boolean | null = null): Row => ({
    ...{figure, measured, target, met},
    comparison: '',
  })
  const back = all.filter(({exit}) => exit === 0).length
  const discarded = all.reduce((sum, one) => sum + one.discarded, 0)
  return [
    row('old primaries back by themselves', `${back} of ${all.length}`, 'all', back === all.length),
    row('acknowledged writes lost', `${lost.length} of ${book.acked.size}`, '0', lost.length === 0),
    row('commits past a fork, discarded', `${discarded}`),
    row('folders in the archive', `${archived(stage)}`, `${all.length}`, archived(stage) === all.length),
    row('rejoin, from the command to streaming: median', ms(median(times))),
    row('the longest', ms(times.at(-1) ?? Number.NaN)),
  ]
}
