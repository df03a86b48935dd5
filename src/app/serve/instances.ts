import type {ForwardOrder} from '../../cluster/orders.ts'
import type {OpenStream} from '../../cluster/streams.ts'
import type {ErrorCode} from '../../core/error-codes.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Clock} from '../../core/ports.ts'
import type {ClusterSettings} from '../../core/settings.ts'
import {daemonSource} from '../../sources/daemon/daemon-source.ts'
import {endpointOfUrl, httpRequest} from '../../sources/daemon/http-request.ts'
import {textIn} from '../../system/configured-file.ts'

/** How this instance reaches the others: their events, and their orders. Files are read at each connection. */
export type Instances = Readonly<{open: OpenStream; forward: ForwardOrder}>

const forwardMs = 8_000

export function instancesOf({caFile, certFile, keyFile}: ClusterSettings, clock: Clock): Instances {
  return {
    async open({url}) {
      const ca = await textIn(caFile)
      return daemonSource({at: {url}, ca, ownOnly: true, clock, random: Math.random})
    },
    async forward({id, url}, path, {by, reason}) {
      if (certFile === null) {
        const next = `Give the order to ${id}, or set cluster.cert_file and cluster.key_file here.`
        throw new OperatorError('NO_OWNER', `nothing was done: instance ${id} owns the group`, next)
      }
      const [ca, cert = '', key = ''] = await Promise.all([caFile, certFile, keyFile].map((file) => textIn(file)))
      const endpoint = endpointOfUrl(url, ca)
      const signed = 'tls' in endpoint && endpoint.tls !== null ? {...endpoint, tls: {ca, own: {cert, key}}} : endpoint
      const reply = await httpRequest(signed, {
        path,
        method: 'POST',
        headers: {'content-type': 'application/json', 'x-pgroute66-forwarded': '1'},
        body: JSON.stringify({by, reason}),
        signal: AbortSignal.timeout(forwardMs),
      }).catch((error: NodeJS.ErrnoException) => {
        const message = `instance ${id} owns the group, and does not answer (${error.code ?? error.message})`
        throw new OperatorError('NO_OWNER', message, 'Look at the group before you send the order again.', {
          cause: error,
        })
      })
      const answer = parsed(reply.body)
      if (reply.status === 200) return answer
      const {code, detail, next} = answer
      throw new OperatorError(
        typeof code === 'string' ? (code as ErrorCode) : 'NO_OWNER',
        typeof detail === 'string' ? detail : `instance ${id} answers ${reply.status}`,
        typeof next === 'string' ? next : 'Look at its log.',
      )
    },
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
