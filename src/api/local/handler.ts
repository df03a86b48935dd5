import type {RequestListener} from 'node:http'
import type {Answer} from '../answer.ts'
import type {Context} from '../context.ts'
import {respond} from '../not-found.ts'
import {patroniAnswer} from './patroni.ts'
import {primgrAnswer} from './primgr.ts'

const vocabularies = {patroni: patroniAnswer, primgr: primgrAnswer} as const
export type Vocabulary = keyof typeof vocabularies

export const isVocabulary = (kind: string): kind is Vocabulary => Object.hasOwn(vocabularies, kind)

/**
 * Answers every request of one port of local_api from the latest snapshot, and closes the
 * connection, as the servers do that it stands for: their clients speak HTTP/1.0.
 */
export const localHandler =
  (kind: Vocabulary, context: Context): RequestListener =>
  (request, response) => {
    const {method = '', url = ''} = request
    response.shouldKeepAlive = false
    const answer = answerTo(kind, method, url, context)
    // Patroni answers HEAD and OPTIONS with the status alone.
    respond(response, method === 'HEAD' || method === 'OPTIONS' ? {...answer, body: ''} : answer)
  }

function answerTo(kind: Vocabulary, method: string, url: string, context: Context): Answer {
  try {
    return vocabularies[kind](method, url, context)
  } catch (error) {
    context.log.error(
      {error: (error as Error).stack ?? String(error)},
      `bug: a request to local_api.${kind} could not be answered`,
    )
    return {status: 500, type: 'text/plain; charset=utf-8', body: 'pgroute66 has a bug: see the log of the daemon\n'}
  }
}
