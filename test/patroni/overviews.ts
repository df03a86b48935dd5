import type {Overview} from '../../src/app/patroni/overview.ts'
import type {Answer} from '../../src/patroni/answer.ts'
import {type Heard, leaderOf} from '../../src/patroni/claim.ts'
import {readCluster} from '../../src/patroni/data/cluster.ts'
import {readStatus, type Status} from '../../src/patroni/data/status.ts'
import {PatroniError} from '../../src/patroni/error.ts'
import {type Recording, recordings} from './recorded.ts'

const all = recordings()

/** What a command would have asked, in a recorded state: `etcd3-01-steady-async`. */
export function recordedOverview(state: string): Overview {
  const members = all.filter(({name}) => name.startsWith(`${state}-node`))
  if (members.length === 0) throw new Error(`there is no recording of ${state}`)
  const asked = members.map((recording) => {
    const url = `http://10.66.0.1${recording.member.slice(4)}:8008`
    return {name: recording.member, url, heard: heardFrom(recording, url)}
  })
  const bodies = members.flatMap((recording) => bodyOf(recording, '/cluster'))
  const [cluster] = bodies.map((body) => readCluster(JSON.parse(body), ''))
  const seen = asked.flatMap(({name, heard}) =>
    'answer' in heard ? [{member: name, seconds: ageIn(heard.answer)}] : [],
  )
  return {
    leader: leaderOf(
      asked.map(({heard}) => heard),
      20,
    ),
    asked,
    dcs: cluster ?? null,
    tree: null,
    sql: null,
    treeSilence: null,
    dcsSeen: seen.sort((one, other) => one.seconds - other.seconds)[0] ?? null,
  }
}

const ageIn = ({headers, data}: Answer<Status>): number =>
  Math.max(0, Date.parse(headers.date ?? '') / 1_000 - (data?.dcs_last_seen ?? 0))

const answerTo = ({answers}: Recording, path: string) =>
  answers.find((answer) => answer.method === 'GET' && answer.path === path)

function bodyOf(recording: Recording, path: string): readonly string[] {
  const answer = answerTo(recording, path)
  return answer === undefined || answer.lost !== undefined ? [] : [answer.body]
}

function heardFrom(recording: Recording, member: string): Heard {
  const answer = answerTo(recording, '/leader') ?? answerTo(recording, '/primary')
  if (answer === undefined || answer.lost !== undefined) {
    const what = {reason: 'timeout', delivery: 'maybe-sent', member, message: 'no answer'} as const
    return {member, error: new PatroniError(what)}
  }
  const {status, body, date} = answer
  return {member, answer: {status, headers: {date}, raw: body, data: readStatus(JSON.parse(body), ''), member}}
}
