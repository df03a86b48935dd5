import {createServer, type Server} from 'node:net'

/**
 * A port is reserved by listening on it at this address: loopback on Linux. Elsewhere the address
 * does not exist, and the port is held on 127.0.0.1 itself.
 */
const witness = '127.66.66.66'

export interface FreePorts extends AsyncDisposable {
  readonly ports: readonly number[]
}

/**
 * Ports that are free on 127.0.0.1. A server that crashes must find its port free at its next start,
 * so each port is held on a second address until disposal: other callers of this function skip it,
 * and outgoing connections do not get it either.
 */
export async function freePorts(count: number): Promise<FreePorts> {
  const probes: Server[] = []
  const held: Server[] = []
  try {
    while (held.length < count) {
      const probe = await listen(0, '127.0.0.1')
      probes.push(probe)
      try {
        held.push(await listen(portOf(probe), witness))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue
        held.push(probe)
      }
    }
    // The probes close only now, because ports that are open at the same time differ.
    return {ports: held.map(portOf), [Symbol.asyncDispose]: () => closeAll(held)}
  } catch (error) {
    await closeAll(held)
    throw error
  } finally {
    await closeAll(probes)
  }
}

/** True where another process listens on the port. */
export async function isTaken(port: number): Promise<boolean> {
  try {
    await closeAll([await listen(port, '127.0.0.1')])
    return false
  } catch {
    return true
  }
}

function listen(port: number, host: string): Promise<Server> {
  const server = createServer()
  // A held port must not keep this process alive.
  server.unref()
  return new Promise((resolve, reject) =>
    server.once('error', reject).listen({port, host, exclusive: true}, () => resolve(server)),
  )
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('bug: a listening server without a port')
  return address.port
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
}
