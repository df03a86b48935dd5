import {readFileSync} from 'node:fs'
import {join} from 'node:path'

/** One answer of a real member. `lost`: it did not come in time, or the member closed without a byte. */
export type RecordedAnswer = Readonly<{method: string; path: string}> &
  Readonly<
    | {lost: 'timeout' | 'closed'}
    | {lost?: never; status: number; phrase: string; date: string; type: string; body: string}
  >
export type Recording = Readonly<{
  name: string
  /** Patroni's version. */
  patroni: string
  member: string
  answers: readonly RecordedAnswer[]
}>

type Row = readonly [request: number, lost: 'timeout' | 'closed'] | readonly [number, string, number, number, number]

/**
 * Every endpoint of real members (Patroni 3.0.2 and 4.1.4) in every state, by GET, HEAD and OPTIONS.
 * The file: a line with the tables, a line for each body, a line for each recording.
 */
export function recordings(): readonly Recording[] {
  const file = join(import.meta.dirname, '..', 'fixtures', 'patroni', 'recorded.ndjson')
  const [head = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  const {requests, types, bodies: count} = JSON.parse(head) as {requests: string[]; types: string[]; bodies: number}
  const bodies = lines.slice(0, count).map((line) => JSON.parse(line) as string)
  return lines.slice(count).map((line) => {
    const {rows, dates, ...recording} = JSON.parse(line) as Omit<Recording, 'answers'> & {rows: Row[]; dates: string[]}
    const answers = rows.map((row): RecordedAnswer => {
      const [method = '', path = ''] = (requests[row[0]] ?? '').split(' ')
      if (row.length === 2) return {method, path, lost: row[1]}
      const [, line, body, date, type] = row
      return {
        method,
        path,
        status: Number(line.slice(0, 3)),
        phrase: line.slice(4),
        date: dates[date] ?? '',
        type: types[type] ?? '',
        body: bodies[body] ?? '',
      }
    })
    return {...recording, answers}
  })
}

/** As Patroni sends it: HTTP/1.0, no headers at all where it sends none, the end by closing. */
export function bytesOf(answer: Extract<RecordedAnswer, {status: number}>): string {
  const headers = [
    ['Server', answer.date && 'BaseHTTP/0.6 Python/3.11.2'],
    ['Date', answer.date],
    ['Content-Type', answer.type],
  ].flatMap(([name, value]) => (value ? [`${name}: ${value}\r\n`] : []))
  return `HTTP/1.0 ${answer.status} ${answer.phrase}\r\n${headers.join('')}\r\n${answer.body}`
}
