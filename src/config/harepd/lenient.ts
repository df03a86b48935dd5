import {nearest} from '../../core/words/nearest.ts'
import {below, type Fields, type Keys, section} from '../reading/section.ts'
import type {Shape} from '../reading/shape.ts'
import {isMapping} from '../reading/yaml-node.ts'

/** Keys that are known, and have no effect; why, as a sentence that begins with the key. */
export type Idle = Readonly<Record<string, string>>

/**
 * A mapping as yaml.v2 reads it: a key that harepd does not know has no effect there. Each is told,
 * because one that is written otherwise (`primaryIp`) looks as if it had.
 */
export function lenient<F extends Fields>(fields: F, idle: Idle = {}): Shape<Keys<F>> {
  const strict = section(fields)
  return {
    ...strict,
    read(node, path, report) {
      if (!isMapping(node)) return strict.read(node, path, report)
      for (const key of node.keys()) {
        if (Object.hasOwn(fields, key)) continue
        const why = Object.hasOwn(idle, key) ? idle[key] : undefined
        const near = nearest(key, Object.keys(fields))
        const next = near === null ? 'Remove it.' : `Write "${near}" if that is meant.`
        const shown = /^[A-Za-z_-]{1,40}$/.test(key) ? below(path, key) : path
        report.warn(shown, why ?? 'is a key that harepd does not read', why === undefined ? next : 'Remove it.')
      }
      return strict.read(new Map([...node].filter(([key]) => Object.hasOwn(fields, key))), path, report)
    },
  }
}
