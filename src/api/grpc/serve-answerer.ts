import {isIP, isIPv4} from 'node:net'
import {hostname} from 'node:os'
import type {Config} from '../../config/config.ts'
import type {Answerer} from './cluster-info.ts'

/** As whom `serve` answers: by its own configuration. */
export function answererOf({grpc, local, groups}: Pick<Config, 'grpc' | 'local' | 'groups'>): Answerer {
  const {bind = ''} = grpc ?? {}
  const isOne = isIP(bind) !== 0 && !['0.0.0.0', '::'].includes(bind)
  const [witness] = groups.flatMap((group) => (group.witness === null ? [] : [new URL(group.witness.url).hostname]))
  return {
    ip: isOne ? bind : null,
    nodeName: local ?? hostname(),
    witness: witness !== undefined && isIPv4(witness) ? witness : '',
  }
}
