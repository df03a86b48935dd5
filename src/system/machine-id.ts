import {createHmac} from 'node:crypto'
import {readFileSync} from 'node:fs'

const places = ['/etc/machine-id', '/var/lib/dbus/machine-id']

/**
 * Sets this machine apart from others, for all processes of pgroute66 alike: 32 hexadecimal digits. `null`:
 * the machine has no identifier (macOS, FreeBSD, a container without one). The identifier itself is
 * confidential, so a hash of it leaves the machine, as machine-id(5) asks for.
 */
export function machineId(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string | null {
  for (const path of places) {
    try {
      const id = read(path).trim()
      // "uninitialized" stands there while an image boots for the first time.
      if (/^[0-9a-f]{32}$/.test(id) && !/^0+$/.test(id))
        return createHmac('sha256', id).update('pgroute66').digest('hex').slice(0, 32)
    } catch {
      // The next place may have it.
    }
  }
  return null
}
