import {OperatorError} from '../../core/errors.ts'
import {isGiven, isMapping, isText, type Mapping, type Node} from '../reading/yaml-node.ts'
import {variable} from './environment.ts'
import type {ConnectionEnv} from './from-environment.ts'

type Around = Omit<ConnectionEnv, 'encoding'>

/**
 * The file's tree, with the keywords of connection services written into the hosts that name one, or
 * into all of them with `$PGSERVICE`. A password of a service is plain. Where no service is named,
 * nothing is loaded.
 */
export async function withHostServices(tree: Mapping, around: Around): Promise<Mapping> {
  const hosts = tree.get('hosts')
  const general = variable(around.env, 'PGSERVICE')
  if (!isMapping(hosts ?? '')) return tree
  const named = [...(hosts as Mapping)]
  if (general === null && !named.some(([, host]) => textAt(host, 'service') !== null)) return tree
  const read = await Promise.all(
    named.map(async ([name, host]): Promise<[string, Node]> => {
      const service = textAt(host, 'service') ?? general
      return [name, service === null ? host : await expanded(host, service, `hosts.${name}.service`, around)]
    }),
  )
  return new Map([...tree, ['hosts', new Map(read)]])
}

async function expanded(host: Node, name: string, path: string, around: Around): Promise<Node> {
  if (!isMapping(host) && isGiven(host)) return host
  const own: Mapping = isMapping(host) ? host : new Map()
  const {serviceOf, withService, isServiceKey} = await import('./service.ts')
  const texts = new Map([...own].flatMap(([key, value]) => (isText(value) ? [[key, value] as const] : [])))
  const others = [...own].filter(([key, value]) => !isText(value) && !isServiceKey(key))
  try {
    const merged = withService(texts, await serviceOf(name, textAt(own, 'servicefile'), around))
    const hasOwn = ['password', 'b64password', 'password_file'].some((key) => texts.get(key))
    if (hasOwn && !texts.get('password')) merged.delete('password')
    if (!hasOwn && merged.has('password')) merged.set('password_encoding', 'plain')
    return new Map<string, Node>([...merged, ...others])
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    around.report.refuse(path, error.code, error.message, error.next)
    return new Map([...own].filter(([key]) => !isServiceKey(key)))
  }
}

const textAt = (node: Node, key: string): string | null => {
  const value = isMapping(node) ? node.get(key) : undefined
  return isGiven(value) && isText(value) ? value : null
}
