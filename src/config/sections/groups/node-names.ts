import {nearest} from '../../../core/words/nearest.ts'
import type {Report} from '../../reading/report.ts'
import {below} from '../../reading/section.ts'
import {nameForm} from '../hosts/host-name.ts'

/** Reports the entries of `PATH.node` that name no host of the group. */
export function refuseStrangers(
  node: ReadonlyMap<string, string>,
  hosts: readonly string[],
  path: string,
  report: Report,
): void {
  for (const host of node.keys()) {
    if (hosts.includes(host)) continue
    const near = nearest(host, hosts)
    const next = near ? `Did you mean "${near}"?` : `Write one of ${hosts.slice(0, 12).join(', ')}.`
    const message = `${report.quote(host, nameForm)}is not the name of a host of the group`
    report.refuse(below(below(path, 'node'), host), 'CONFIG_UNKNOWN_HOST', message, next)
  }
}
