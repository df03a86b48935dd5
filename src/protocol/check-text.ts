import type {GroupState, HostState, Snapshot} from '../core/snapshot.ts'

/** A line per host, with the name of the group where there are several. */
export function describeGroup({name, hosts}: GroupState, snapshot: Snapshot, isSole: boolean): readonly string[] {
  return hosts
    .flatMap((host) => snapshot.hosts[host] ?? [])
    .map((host) => `${isSole ? '' : `${name}/`}${host.host}: ${describe(host)}`)
}

function describe(host: HostState): string {
  const out = host.drained === null ? '' : `, drained by ${host.drained.by}`
  if (host.role === 'unavailable') {
    const {cause, detail} = host
    return `unavailable (${cause ?? 'not asked yet'}${cause === null || detail === null ? '' : `: ${detail}`})${out}`
  }
  const position = `timeline ${host.timeline ?? 'unknown'}${host.lsn === null ? '' : `, at ${host.lsn}`}`
  if (host.role === 'primary') return `primary, ${position}${out}`
  const lag = host.lagBytes === null ? 'lag unknown' : `${host.lagBytes} bytes behind`
  const delayed = host.delayed === null ? '' : `, delayed by ${host.delayed.delayMs} ms on purpose`
  return `standby of ${host.upstream ?? 'no host'}, ${lag}, ${position}${delayed}${out}`
}
