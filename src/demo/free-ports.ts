import {createServer, type Server} from 'node:net'

/**
 * The same port on this address stands for "taken": loopback on Linux; where there is no such
 * address the kernel's word has to do.
 */
const witness = '127.66.66.66'

export interface FreePorts extends AsyncDisposable {
  readonly ports: readonly number[]
}

/**
 * Ports of 127.0.0.1 that the kernel has just called free. A server that crashes frees its port,
 * and ought to find it free when it comes back; so each is held on a second address until disposal:
 * other users of this function pass it over, and outgoing connections do not get it either.
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
    // Only now: asked for together, they differ.
    return {ports: held.map(portOf), [Symbol.asyncDispose]: () => closeAll(held)}
  } catch (error) {
    await closeAll(held)
    throw error
  } finally {
    await closeAll(probes)
  }
}

/** Is it somebody else's by now? */
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
  // What is held for a cluster must not keep a process alive that has nothing else to do.
  server.unref()
  return new Promise((resolve, reject) =>
    server.once('error', reject).listen({port, host, exclusive: true}, () => resolve(server)),
  )
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a listening server has a port')
  return address.port
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
}
