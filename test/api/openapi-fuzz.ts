import {writeFileSync} from 'node:fs'
import type {Config} from '../../src/config/config.ts'
import {seededRandom} from '../support/seeded-random.ts'
import type {SnapshotDraft} from '../support/snapshots.ts'
import {answerJudge, type Document, type FuzzedRequest, fuzzToken, requestMaker} from './openapi-requests.ts'
import {type Answered, folder, type Started, started} from './started.ts'

export type Fuzzed = Readonly<{
  asked: number
  /** Each answer that the document does not tell, with its request. */
  undocumented: readonly string[]
  /** Status → how many answers. */
  statuses: Readonly<Record<number, number>>
}>

/** Sends requests made from the document to an API, and compares the answers with the document. */
export async function fuzz({
  draft,
  seed,
  requests,
  config,
  change = (text) => text,
}: Readonly<{
  draft: SnapshotDraft
  seed: number
  requests: number
  config: Partial<Config>
  /** Of the document, so that a test can see a gap being found. */
  change?: (document: string) => string
}>): Promise<Fuzzed> {
  using place = folder()
  writeFileSync(place.at('tokens'), `alice ${fuzzToken}\n`, {mode: 0o600})
  await using api = await started(draft, {tokensFile: place.at('tokens'), ...config})
  const {body} = await api.ask('/openapi.json')
  const document = JSON.parse(change(body)) as Document
  const [make, judge] = [requestMaker(JSON.parse(body) as Document, seededRandom(seed)), answerJudge(document)]
  const statuses: Record<number, number> = {}
  const undocumented: string[] = []
  for (let asked = 0; asked < requests; asked += 1) {
    const request = make()
    const documented = document.paths[request.template]?.[request.verb]
    const answered = await send(api, request)
    statuses[answered.status] = (statuses[answered.status] ?? 0) + 1
    const fault = judge({...request, operation: documented ?? request.operation}, answered)
    if (fault !== null) undocumented.push(`${request.method} ${request.path}: ${fault}`)
  }
  return {asked: requests, undocumented, statuses}
}

const send = (api: Started, {method, path, headers, body}: FuzzedRequest): Promise<Answered> =>
  api.ask(path, {method, headers, ...(body !== undefined && {body})})
