import {isHostName} from '../sections/hosts/host-name.ts'

type Address = Readonly<{host: string; port: number}>

/** A name for each host of a DSN: the host's own, else host and port, else with a number added. */
export function nameHosts(addresses: readonly Address[]): readonly string[] {
  const taken = new Set<string>()
  return addresses.map(({host, port}) => {
    const isAlone = addresses.filter((other) => other.host === host).length === 1
    const plain =
      host
        .replace(/[^A-Za-z0-9_.-]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 50) || 'host'
    const candidate = isAlone && host === plain && isHostName(host) ? host : `${plain}-${port}`
    let name = candidate
    for (let number = 2; taken.has(name); number += 1) name = `${candidate}-${number}`
    taken.add(name)
    return name
  })
}
