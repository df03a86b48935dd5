import {json, jsonType} from '../answer.ts'
import type {Route} from '../route.ts'

/** What `config check --connect` asks a running daemon. */
export const unknownAddressesRoute: Route = {
  method: 'GET',
  path: '/v1/unknown-addresses',
  summary: "Servers that a load balancer names like a host, at an address that is no host's.",
  parameters: [],
  answers: {200: 'a list of host, address and port'},
  type: jsonType,
  handle: (_, {unknownAddresses, source}) =>
    json(200, unknownAddresses.list(source.current()), {'cache-control': 'no-store'}),
}
