import {readdirSync, readFileSync, readlinkSync} from 'node:fs'

type Row = Readonly<{local: string; remote: string; state: string; inode: string}>

/** Of the REST API: what the kernel lists for IPv4. */
const port = 8008
/** Established, or given up by the client and not closed by the server yet (CLOSE_WAIT). */
const held = ['01', '08']

/**
 * From now on, the most requests of this process that the REST API at `address` has at one time: those
 * that the process gave up count until the API has let go of them. `stop` ends the count, and tells it.
 */
export function countRequests(address: string): Readonly<{stop(): number}> {
  const there = hexOf(address)
  const ours = new Set<string>()
  let most = 0
  const look = () => {
    const rows = connections()
    const own = socketsOfThisProcess()
    for (const {local, remote, inode} of rows) if (remote === there && own.has(inode)) ours.add(local)
    const now = rows.filter(({local, remote, state}) => local === there && ours.has(remote) && held.includes(state))
    most = Math.max(most, now.length)
  }
  const timer = setInterval(look, 50)
  look()
  return {
    stop() {
      clearInterval(timer)
      return most
    },
  }
}

/** As /proc/net/tcp writes an address: little-endian. */
function hexOf(address: string): string {
  const bytes = address.split('.').map(Number).reverse()
  return `${Buffer.from(bytes).toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}

const connections = (): readonly Row[] =>
  readFileSync('/proc/net/tcp', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
      return {local, remote, state, inode}
    })

function socketsOfThisProcess(): ReadonlySet<string> {
  const found = new Set<string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? []
      if (inode !== undefined) found.add(inode)
    } catch {
      // It was closed meanwhile.
    }
  }
  return found
}
