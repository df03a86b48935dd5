import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {Cluster} from './cluster.ts'

/** What the HA tool does when it is ordered. */
export type Moving = 'switches' | 'fails' | 'hangs' | 'stops the primary and fails'

/**
 * An HA tool for a test cluster: the command that `switchover --via run` starts asks this process,
 * which stops the one server and promotes the other.
 */
export class Mover implements AsyncDisposable {
  readonly #server: Server
  moving: Moving = 'switches'
  /** `host1 host2`, one for each order. */
  readonly orders: string[] = []
  readonly #hanging: (() => void)[] = []

  private constructor(cluster: Cluster) {
    this.#server = createServer(async (request, response) => {
      const [from = '', to = ''] = decodeURIComponent(request.url?.slice(1) ?? '').split(' ')
      this.orders.push(`${from} ${to}`)
      if (this.moving === 'hangs') return void this.#hanging.push(() => response.writeHead(500).end())
      if (this.moving !== 'fails') await cluster.node(from).stop('fast')
      if (this.moving === 'switches') await cluster.node(to).promote()
      response.writeHead(this.moving === 'switches' ? 200 : 500).end()
    })
  }

  static async start(cluster: Cluster): Promise<Mover> {
    const mover = new Mover(cluster)
    await new Promise<void>((resolve) => mover.#server.listen(0, '127.0.0.1', () => resolve()))
    return mover
  }

  /** For after `--via run --`. */
  get command(): readonly string[] {
    const {port} = this.#server.address() as AddressInfo
    const script =
      'const {PGROUTE66_FROM: from, PGROUTE66_TO: to} = process.env; ' +
      `fetch("http://127.0.0.1:${port}/" + encodeURIComponent(from + " " + to))` +
      '.then(({ok}) => process.exit(ok ? 0 : 1), () => process.exit(1))'
    return [process.execPath, '-e', script]
  }

  /** Every order that hangs fails now. */
  fail(): void {
    for (const end of this.#hanging.splice(0)) end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
