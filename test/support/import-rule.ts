import {posix} from 'node:path'

export type Import = Readonly<{from: string; to: string}>

/**
 * What each room of src/ may import (DESIGN, section 3): other rooms, by prefix; `*` in packages:
 * any. Arrows point at core.
 */
const rooms: Readonly<Record<string, {rooms: readonly string[]; packages: '*' | readonly string[]}>> = {
  core: {rooms: [], packages: []},
  system: {rooms: ['core'], packages: ['node:*']},
  protocol: {rooms: ['core'], packages: []},
  config: {rooms: ['core', 'system'], packages: '*'},
  monitor: {rooms: ['core'], packages: []},
  ui: {rooms: ['core', 'protocol'], packages: ['ink', 'react', 'react/jsx-runtime', 'node:*']},
  api: {rooms: ['core', 'protocol', 'config', 'system'], packages: '*'},
  demo: {rooms: ['core'], packages: '*'},
  connector: {rooms: ['core', 'monitor', 'config'], packages: '*'},
  app: {rooms: ['*'], packages: '*'},
  commands: {rooms: ['*'], packages: '*'},
}
const neverInConnector = ['ink', 'react', '@oclif/core']

/** `a/b/c.ts` of src/ → its room: `sources/pg` and `actuators/haproxy` are rooms of their own. */
export function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  if (!path.includes('/')) return 'index'
  return first === 'sources' || first === 'actuators' ? `${first}/${second}` : first
}

/** Every module named by a static, re-exporting or dynamic import, and by `import('…').Type`. */
export const importsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '')

/** Why this import is not allowed; `null`: it is. `to` is as written. */
export function violation({from, to}: Import): string | null {
  const room = roomOf(from)
  if (room === 'index') return null
  const rule = rooms[room] ?? {rooms: ['core', 'protocol', 'system'], packages: '*'}
  if (!to.startsWith('.')) {
    if (room === 'connector' && neverInConnector.includes(to)) return `${from} loads ${to}, and an application must not`
    const isAllowed =
      rule.packages === '*' ||
      rule.packages.some((name) => name === to || (name.endsWith('*') && to.startsWith(name.slice(0, -1))))
    return isAllowed ? null : `${from} imports ${to}, and ${room} imports nothing outside itself`
  }
  const target = roomOf(targetOf({from, to}) ?? '')
  if (target === room || rule.rooms.includes('*') || rule.rooms.includes(target)) return null
  return `${from} imports ${to}: ${room} must not know ${target}`
}

/**
 * The circles among files, each as the files that reach one another (Tarjan's strongly connected
 * components). `imports`: file → the files that it imports, types included.
 */
export function circlesOf(imports: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const circles: string[][] = []
  const low = (file: string) => lowest.get(file) ?? Number.POSITIVE_INFINITY

  function visit(file: string): void {
    order.set(file, order.size)
    lowest.set(file, order.size - 1)
    open.push(file)
    for (const next of imports.get(file) ?? []) {
      if (!order.has(next)) visit(next)
      if (open.includes(next)) lowest.set(file, Math.min(low(file), low(next)))
    }
    if (low(file) !== order.get(file)) return
    const component = open.splice(open.indexOf(file))
    const importsItself = imports.get(file)?.includes(file) ?? false
    if (component.length > 1 || importsItself) circles.push(component.sort())
  }
  for (const file of imports.keys()) if (!order.has(file)) visit(file)
  return circles
}

/** A relative specifier as a path below src/; `null`: a package. */
export const targetOf = ({from, to}: Import): string | null =>
  to.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), to)) : null
