import type {Answer} from '../answer.ts'
import type {Context} from '../context.ts'
import {localView} from './local-view.ts'
import {statusBody} from './patroni-body.ts'
import {clusterBody} from './patroni-cluster.ts'
import {metricsText} from './patroni-metrics.ts'
import {isReady, passes} from './patroni-status.ts'
import {readTarget} from './request-target.ts'

/** An answer of Patroni's REST API, for the local host. */
export function patroniAnswer(method: string, url: string, context: Context): Answer {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return refusal
  const view = localView(context)
  const settings = view?.settings.patroni ?? null
  if (view === null || settings === null) return plain(503, 'local_api.patroni is being closed\n')
  const {host, snapshot} = view
  const target = readTarget(url)
  const checked = host && {snapshot, host, tags: settings.tags}

  // Patroni takes the first segment of the path for these, and so allows anything behind it.
  switch (target.path.replace(/^\/+/, '').split('/', 1)[0]) {
    case 'liveness':
      return plain(200, '')
    case 'readiness':
      return plain(checked !== null && isReady(target, checked) ? 200 : 503, '')
    case 'patroni':
      return json(200, statusBody(view, settings))
    case 'cluster':
      return json(200, clusterBody(view, settings))
    case 'history':
      return json(200, [])
    case 'metrics':
      return {status: 200, body: metricsText(view, settings), type: 'text/plain'}
    case 'config':
    case 'failsafe':
      return unset
    default:
      return json(checked !== null && passes(target, checked) ? 200 : 503, statusBody(view, settings))
  }
}

const json = (status: number, value: object): Answer => ({status, body: pythonJson(value), type: 'application/json'})

/** With the spaces of Python's json.dumps: scripts look for `"role": "primary"`. */
const pythonJson = (value: object): string =>
  // A line break is between two tokens, never within a text.
  JSON.stringify(value, null, 1).replace(/,\n */g, ', ').replace(/\n */g, '')

const plain = (status: number, body: string): Answer => ({status, body, type: 'text/plain; charset=utf-8'})

const refusal = plain(403, 'pgroute66 does not manage Patroni')

/** What Patroni answers where the key in its store is not set. */
const unset: Answer = {
  status: 502,
  type: 'text/html;charset=utf-8',
  body: `<!DOCTYPE HTML>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: 502</p>
        <p>Message: Bad Gateway.</p>
        <p>Error code explanation: 502 - Invalid responses from another server/proxy.</p>
    </body>
</html>
`,
}
