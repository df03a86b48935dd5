import {posix} from 'node:path'

/** `isType`: nothing of the module is loaded for it. */
export type Import = Readonly<{from: string; to: string; isType?: boolean}>

export type Rule = Readonly<{
  /** Rooms it may import; `/*` at the end: and all rooms inside. */
  rooms: readonly string[]
  /** Rooms of which it may import types alone. */
  types?: readonly string[]
  /** Packages it may import; `*`: any; `node:*`: all of node's own. */
  packages: readonly string[]
}>

/** What each room of src/ may import. Arrows point at core. CONTRIBUTING.md repeats it. */
export const rooms: Readonly<Record<string, Rule>> = {
  core: {rooms: [], packages: []},
  protocol: {rooms: ['core'], packages: []},
  system: {rooms: ['core'], packages: ['node:*']},
  monitor: {rooms: ['core'], packages: []},
  sql: {rooms: ['core'], packages: []},
  cluster: {rooms: ['core'], packages: []},
  'sources/*': {rooms: ['core', 'protocol', 'system', 'sql', 'cluster', 'patroni', 'etcd'], packages: ['*']},
  'actuators/*': {rooms: ['core', 'protocol', 'system'], packages: ['*']},
  actuation: {rooms: ['core', 'actuators/*'], types: ['monitor'], packages: []},
  http: {rooms: ['core'], packages: ['undici']},
  etcd: {rooms: ['core', 'http'], packages: ['undici']},
  patroni: {rooms: ['core', 'system', 'http', 'etcd'], packages: ['undici']},
  config: {rooms: ['core', 'system'], packages: ['*']},
  api: {rooms: ['core', 'protocol', 'system'], types: ['config', 'cluster'], packages: ['*']},
  ui: {rooms: ['core', 'protocol'], packages: ['ink', 'react', 'react/jsx-runtime', 'string-width', 'node:*']},
  connector: {
    // Of app/serve the composition of the monitor; connector/loading.test.ts sees what that loads.
    rooms: ['core', 'protocol', 'system', 'config', 'sources/*', 'app/serve'],
    packages: ['*'],
  },
  'app/cli': {rooms: ['core', 'protocol', 'config', 'sources/*', 'system'], packages: ['*']},
  'app/state': {rooms: ['core', 'protocol', 'system'], packages: ['*']},
  'app/check': {
    rooms: ['core', 'protocol', 'config', 'system', 'monitor', 'sources/*', 'app/state', 'app/cli'],
    packages: ['*'],
  },
  'app/control': {
    rooms: ['core', 'protocol', 'config', 'system', 'sources/*', 'app/cli'],
    types: ['ui'],
    packages: ['*'],
  },
  'app/serve': {
    rooms: [
      'core',
      'protocol',
      'config',
      'system',
      'monitor',
      'cluster',
      'sources/*',
      'actuators/*',
      'actuation',
      'api',
      'app/state',
      'app/cli',
    ],
    packages: ['*'],
  },
  'app/node': {
    // Of app/serve its log and the end of its parts.
    rooms: [
      'core',
      'protocol',
      'config',
      'system',
      'monitor',
      'sources/*',
      'actuators/*',
      'api',
      'app/state',
      'app/cli',
      'app/serve',
    ],
    packages: ['*'],
  },
  'app/patroni': {
    rooms: ['core', 'protocol', 'config', 'system', 'http', 'patroni', 'etcd', 'sources/*', 'app/cli'],
    packages: ['*'],
  },
  'app/look': {
    rooms: ['core', 'protocol', 'config', 'system', 'monitor', 'sources/*', 'actuators/*', 'app/cli', 'app/control'],
    packages: ['*'],
  },
  'app/doctor': {
    // Of app/serve what config check tries, and of app/check how the daemon is found.
    rooms: ['core', 'protocol', 'config', 'system', 'sources/*', 'actuators/*', 'app/cli', 'app/check', 'app/serve'],
    packages: ['*'],
  },
  'app/switchover': {
    rooms: [
      'core',
      'protocol',
      'config',
      'system',
      'patroni',
      'sources/*',
      'actuators/*',
      'app/cli',
      'app/control',
      'app/patroni',
    ],
    packages: ['*'],
  },
  'app/main': {rooms: ['core', 'config', 'system', 'app/cli', 'app/check'], packages: ['*']},
  demo: {rooms: ['core', 'config', 'system', 'ui', 'app/serve', 'app/cli'], packages: ['*']},
  commands: {rooms: ['*'], packages: ['*']},
}
/**
 * Files of actuators/ that compute and do nothing else. They import core, protocol, and pure files
 * of their own folder; no package.
 */
export const pureFiles = [
  'plan',
  'match',
  'answer',
  'event',
  'cfg',
  'daemon-sections',
  'destination',
  'include',
  'state',
  'problems',
  'any-rule',
  'block',
  'fork',
  'harepd-lines',
  'loss',
  'record-end',
  'nft',
  'rewrites',
  'hold-plan',
] as const
const neverInConnector = ['ink', 'react', '@oclif/core', 'fastify', 'undici', 'pino', 'prom-client']

/** `a/b/c.ts` of src/ → its room: `sources/pg`, `actuators/haproxy` and `app/check` are rooms of their own. */
export function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  if (!path.includes('/')) return 'index'
  return ['sources', 'actuators', 'app'].includes(first) ? `${first}/${second}` : first
}

/** By its name alone: `actuators/haproxy/plan.ts`. */
export const isPure = (path: string): boolean =>
  path.startsWith('actuators/') && pureFiles.some((name) => posix.basename(path) === `${name}.ts`)

function isPureImport({from, to}: Import): boolean {
  const target = targetOf({from, to})
  if (target === null) return false
  return ['core', 'protocol'].includes(roomOf(target)) || (isPure(target) && roomOf(target) === roomOf(from))
}

const isAmong = (name: string, patterns: readonly string[]) =>
  patterns.some(
    (pattern) =>
      pattern === '*' || pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))),
  )

/** Every module named by a static, re-exporting or dynamic import, and by `import('…').Type`. */
export const importsOf = (text: string): readonly Omit<Import, 'from'>[] =>
  [
    ...text.matchAll(
      /(?<type>\bimport type\b[^'"]*?|\bexport type\b[^'"]*?)?(?:\bfrom\s*|\bimport\s*\(?\s*)['"](?<to>[^'"]+)['"]/g,
    ),
  ].map(({groups}) => ({to: groups?.to ?? '', isType: groups?.type !== undefined}))

/** Why this import is not allowed; `null`: it is. `to` is as written. */
export function violation({from, to, isType = false}: Import): string | null {
  const room = roomOf(from)
  if (room === 'index') return null
  const rule = rooms[room] ?? rooms[`${room.split('/')[0]}/*`]
  if (rule === undefined) return `${from}: there is no room ${room}: give it a line in the table`
  if (isPure(from) && !isPureImport({from, to}))
    return `${from} imports ${to}, and a pure file imports only core, protocol and pure files beside it`
  if (!to.startsWith('.')) {
    if (room === 'connector' && neverInConnector.includes(to)) return `${from} loads ${to}, and an application must not`
    return isAmong(to, rule.packages) ? null : `${from} imports ${to}, and ${room} imports nothing outside itself`
  }
  const target = roomOf(targetOf({from, to}) ?? '')
  if (target === room) return null
  if (isAmong(target, rule.rooms)) return null
  if (isType && isAmong(target, rule.types ?? [])) return null
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
