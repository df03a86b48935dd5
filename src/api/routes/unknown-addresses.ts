import type {UnknownAddress} from '../../core/offers/unknown-addresses.ts'
import {json, jsonType} from '../answer.ts'
import type {Route} from '../route.ts'
import {count, listOf, orNull, record, text} from '../schema.ts'

/** What `config check --connect` asks a running daemon. */
export const unknownAddressesRoute: Route = {
  method: 'GET',
  path: '/v1/unknown-addresses',
  summary: "Servers that a load balancer names like a host, at an address that is no host's.",
  parameters: [],
  answers: {200: 'a list of host, address and port'},
  type: jsonType,
  body: listOf(record<UnknownAddress>({host: text, address: text, port: orNull(count)})),
  handle: (_, {unknownAddresses, source}) =>
    json(200, unknownAddresses.list(source.current()), {'cache-control': 'no-store'}),
}
