import type {GrpcSettings} from '../config.ts'
import {orAbsent} from '../reading/or-absent.ts'
import type {Report} from '../reading/report.ts'
import {integer, text} from '../reading/scalar.ts'
import {below, type Keys, section} from '../reading/section.ts'
import {describe, type Read} from '../reading/shape.ts'
import type {Context} from './context.ts'
import type {Document} from './document.ts'
import {bindAddress} from './listen.ts'
import type {Section} from './section.ts'
import {pairShape, tlsDocument, tlsSettings} from './tls/tls.ts'

export const grpcShape = section({
  bind: describe('address to listen on', text('0.0.0.0')),
  port: describe("harepd's gRPC.bindPort", integer(10_000, 0, 65_535)),
  tls: describe('TLS 1.3; without it, the call is answered in the clear', orAbsent(pairShape)),
})
export type GrpcFields = Read<typeof grpcShape>

const keys = {grpc: orAbsent(describe('answers the gRPC call of harepd, for harepd and other pgroute66', grpcShape))}
type Fields = Keys<typeof keys> &
  Readonly<{
    port: number | null
    ssl: object | null
    agent: {port: number} | null
    local_api: Readonly<Record<'patroni' | 'primgr', {port: number} | null>> | null
  }>

/** What other pgroute66 and harepd are told by the call GetClusterInfo. */
export const grpcSection = {
  keys,
  async settings(fields: Fields, context: Context) {
    const {grpc} = fields
    if (grpc === null) return {grpc: null}
    refuseSharedPort(fields, grpc.port, context.report)
    return {grpc: await grpcSettings(grpc, 'grpc', context)}
  },
  document: ({grpc}) => ({grpc: grpc && grpcDocument(grpc)}),
} satisfies Section

/** `path`: of the section. Problems go to the report. */
export async function grpcSettings(
  {bind: address, port, tls: given}: GrpcFields,
  path: string,
  around: Pick<Context, 'directory' | 'report'>,
): Promise<GrpcSettings> {
  const {report} = around
  const bind = bindAddress(address, below(path, 'bind'), report)
  const tls = given && (await tlsSettings(given, below(path, 'tls'), around))
  if (given === null && !/^(127\..*|::1|localhost)$/.test(bind)) {
    const message = 'has no tls: the network between can forge the answers'
    report.warn(path, message, `Add "tls: {cert_file: …, key_file: …}" to ${path}.`)
  }
  return {bind, port, tls}
}

export const grpcDocument = ({bind, port, tls}: GrpcSettings): Document => ({
  bind,
  port,
  ...(tls && {tls: tlsDocument(tls)}),
})

/** Each listener has a port of its own. */
function refuseSharedPort({port, ssl, agent, local_api: local}: Fields, asked: number, report: Report): void {
  const others: readonly (readonly [string, number | undefined])[] = [
    ['port', port ?? (ssl ? 8443 : 8080)],
    ['agent.port', agent?.port],
    ['local_api.patroni.port', local?.patroni?.port],
    ['local_api.primgr.port', local?.primgr?.port],
  ]
  const [other] = others.find(([, taken]) => asked !== 0 && taken === asked) ?? []
  if (other === undefined) return
  const message = `is ${asked}, and so is ${other}`
  report.refuse('grpc.port', 'CONFIG_CONFLICT', message, 'Give each listener a port of its own.')
}
