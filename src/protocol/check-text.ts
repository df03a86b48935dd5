import type {GroupState, HostState, Snapshot} from '../core/snapshot.ts'

/** A line per host, with the name of the group where there are several. */
export function describeGroup({name, hosts}: GroupState, snapshot: Snapshot, isSole: boolean): readonly string[] {
  return hosts
    .flatMap((host) => snapshot.hosts[host] ?? [])
    .map((host) => `${isSole ? '' : `${name}/`}${host.host}: ${describe(host)}`)
}

function describe({role, cause, detail, timeline, lsn, upstream, lagBytes, drained}: HostState): string {
  const out = drained === null ? '' : `, drained by ${drained.by}`
  if (role === 'unavailable')
    return `unavailable (${cause ?? 'not asked yet'}${cause === null || detail === null ? '' : `: ${detail}`})${out}`
  const position = `timeline ${timeline ?? 'unknown'}${lsn === null ? '' : `, at ${lsn}`}`
  if (role === 'primary') return `primary, ${position}${out}`
  const lag = lagBytes === null ? 'lag unknown' : `${lagBytes} bytes behind`
  return `standby of ${upstream ?? 'nobody'}, ${lag}, ${position}${out}`
}
