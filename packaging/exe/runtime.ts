import {execFileSync, spawnSync} from 'node:child_process'
import {existsSync, mkdirSync, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {repository} from './plugins.ts'

export type Architecture = 'x64' | 'arm64'
export const architectures: readonly Architecture[] = ['x64', 'arm64']

/** The Node.js that goes into an executable, and the programs that handle it on this machine. */
export type Runtime = Readonly<{
  node: string
  /** Of Node.js and of what it contains: OpenSSL, V8, ICU and others. */
  licence: string
  version: string
  strip: string
  /** Words before a program of this architecture: none, or an emulator. */
  emulator: readonly string[]
}>

const require = createRequire(import.meta.url)
const sysroot = '/usr/aarch64-linux-gnu'

/** Throws where the tools for a foreign architecture are missing. Fetches its Node.js by npm, once. */
export function runtimeFor(architecture: string = process.arch): Runtime {
  if (!architectures.some((known) => known === architecture))
    throw new Error(`there is no executable for ${architecture}; there is one for ${architectures.join(' and ')}`)
  const {version} = JSON.parse(readFileSync(require.resolve('node/package.json'), 'utf8'))
  const isForeign = architecture !== process.arch
  const folder = isForeign
    ? fetched(`node-linux-${architecture}`, version)
    : dirname(createRequire(require.resolve('node/package.json')).resolve(`node-linux-${architecture}/package.json`))
  const about = {node: join(folder, 'bin', 'node'), licence: readFileSync(join(folder, 'LICENSE'), 'utf8'), version}
  if (!isForeign) return {...about, strip: needed('strip', 'binutils'), emulator: []}
  if (architecture !== 'arm64') throw new Error(`${architecture} is built on ${architecture} alone`)
  if (!existsSync(`${sysroot}/lib/libstdc++.so.6`))
    throw new Error(
      `${sysroot} lacks libraries: install libc6-arm64-cross, libstdc++6-arm64-cross, libatomic1-arm64-cross`,
    )
  const emulator = [needed('qemu-aarch64-static', 'qemu-user-static'), '-L', sysroot]
  return {...about, strip: needed('aarch64-linux-gnu-strip', 'binutils-aarch64-linux-gnu'), emulator}
}

/** The command line of a program of this runtime's architecture. */
export const commandOf = ({emulator}: Runtime, program: string, args: readonly string[]): [string, string[]] => {
  const [first = program, ...rest] = [...emulator, program, ...args]
  return [first, rest]
}

export function needed(program: string, debian: string): string {
  if (!spawnSync(program, ['--version']).error) return program
  throw new Error(`the executable is built with ${program}, which is not here (Debian package ${debian})`)
}

function fetched(name: string, version: string): string {
  const folder = join(repository, 'node_modules', '.runtimes', `${name}-${version}`)
  if (!existsSync(join(folder, 'package', 'LICENSE'))) {
    mkdirSync(folder, {recursive: true})
    const pack = ['pack', `${name}@${version}`, '--silent', '--pack-destination', folder]
    const file = execFileSync('npm', pack, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']}).trim()
    execFileSync('tar', ['-xzf', join(folder, file), '-C', folder])
  }
  return join(folder, 'package')
}
