import {readFile} from '../../system/files.ts'
import type {LearnedCluster, PatroniPlace} from './learned.ts'
import {inOrder, readMember} from './members.ts'

const limitMs = 3_000
/** Larger than any answer of Patroni that is needed here. */
const longest = 1 << 20

/**
 * The cluster by the first member that answers: GET /cluster for the members, GET /patroni for the scope,
 * which /cluster tells from 4.1 on. In words: why none could be learned. Never rejects.
 */
export async function askPatroni(place: PatroniPlace): Promise<LearnedCluster | string> {
  const failures: string[] = []
  for (const url of place.urls) {
    // Not the URL: it may hold a password.
    const shown = URL.canParse(url) ? new URL(url).origin : 'a text that is no URL'
    try {
      const cluster = await ask(url, '/cluster', place)
      const told = Object(cluster) as {scope?: unknown; members?: unknown}
      const scope = typeof told.scope === 'string' ? told.scope : scopeOf(await ask(url, '/patroni', place))
      const members = Array.isArray(told.members) ? told.members.flatMap((one) => readMember(one) ?? []) : []
      if (scope !== null && members.length > 0) return {scope, members: inOrder(members)}
      failures.push(`${shown} names no member`)
    } catch (error) {
      const {code, message} = error as NodeJS.ErrnoException
      failures.push(`${shown}: ${code ?? message}`)
    }
  }
  return failures.join('; ')
}

const scopeOf = (status: unknown): string | null => {
  const {scope} = Object(Object(status).patroni) as {scope?: unknown}
  return typeof scope === 'string' ? scope : null
}

/** Patroni answers HTTP/1.0 without a length: the end of the connection is the end of the body. */
async function ask(root: string, path: string, {caFile, certFile, keyFile}: PatroniPlace): Promise<unknown> {
  const {origin, protocol} = new URL(root)
  const file = (name: string | null) => (name === null ? undefined : readFile(name, 'utf8'))
  const [ca, cert, key] = await Promise.all([file(caFile), file(certFile), file(keyFile)])
  const {get} = protocol === 'https:' ? await import('node:https') : await import('node:http')
  const {promise, resolve, reject} = Promise.withResolvers<string>()
  const signal = AbortSignal.timeout(limitMs)
  const request = get(`${origin}${path}`, {signal, agent: false, ca, cert, key}, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length > longest) request.destroy(new Error('the answer is too long'))
    })
    response.on('end', () => {
      if (response.statusCode === 200) resolve(text)
      else reject(new Error(`GET ${path} answers ${response.statusCode}`))
    })
    response.on('error', reject)
  })
  request.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${limitMs / 1_000} s`) : error))
  return JSON.parse(await promise)
}
