/**
 * `npm run sbom`: prints the parts of the package and of the executable as CycloneDX
 * (https://cyclonedx.org, 1.5).
 */
import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'

type Component = Readonly<{'bom-ref': string; name: string; version: string}> & Readonly<Record<string, unknown>>
type Dependency = Readonly<{ref: string; dependsOn: readonly string[]}>
type Bom = Readonly<{
  metadata: Readonly<{component: Component}> & Readonly<Record<string, unknown>>
  components: readonly Component[]
  dependencies: readonly Dependency[]
}> &
  Readonly<Record<string, unknown>>
type Locked = Readonly<{version: string; name?: string; dev?: true; devOptional?: true}>

const jsonOf = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

/**
 * npm's list of all packages, without those that the lock file marks as development only. Not `npm
 * sbom --omit dev`: it was seen to leave out packages that both need, @oclif/core among them. The
 * result has no time and no serial number, so it is the same for the same lock file.
 */
export function sbomOf(root: string): string {
  const npm = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
  const {serialNumber: _, ...all} = JSON.parse(
    execFileSync('npm', npm, {cwd: root, encoding: 'utf8', maxBuffer: 64e6}),
  ) as Bom
  const {timestamp: __, ...metadata} = all.metadata
  const {name, version} = jsonOf(join(root, 'package.json'))
  const {packages} = jsonOf(join(root, 'package-lock.json')) as {packages: Record<string, Locked>}
  const shipped = new Set(
    Object.entries(packages)
      .filter(([path, {dev, devOptional}]) => path !== '' && !dev && !devOptional)
      .map(([path, entry]) => `${entry.name ?? path.split('node_modules/').at(-1)}@${entry.version}`),
  )
  const isShipped = (component: Component) => shipped.has(`${component.name}@${component.version}`)
  const refs = new Set([
    metadata.component['bom-ref'],
    ...all.components.filter(isShipped).map((component) => component['bom-ref']),
  ])
  const bom: Bom = {
    ...all,
    metadata: {...metadata, component: {...metadata.component, name, version}},
    components: [...all.components.filter(isShipped), runtimeOf(packages)],
    dependencies: all.dependencies
      .filter(({ref}) => refs.has(ref))
      .map(({ref, dependsOn}) => ({ref, dependsOn: dependsOn.filter((other) => refs.has(other))})),
  }
  return `${JSON.stringify(bom, null, 2)}\n`
}

/** Node.js itself: only the executable contains it. */
function runtimeOf(packages: Readonly<Record<string, Locked>>): Component {
  const version = packages['node_modules/node']?.version ?? ''
  const [purl, cpe] = [`pkg:generic/node@${version}`, `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`]
  return {'bom-ref': `node@${version}`, type: 'platform', name: 'node', version, scope: 'optional', purl, cpe}
}

if (import.meta.main) process.stdout.write(sbomOf(join(import.meta.dirname, '..')))
