import {execFileSync} from 'node:child_process'
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {repository} from '../exe/plugins.ts'

/** One file or link of a package. Paths have no leading slash. */
export type Entry = Readonly<{path: string}> &
  Readonly<{content: string | Buffer; isConfig?: true} | {file: string; mode: number} | {link: string}>

export type Package = Readonly<{
  name: 'pgroute66' | 'pgroute66-node' | 'pgroute66-haproxy'
  summary: string
  description: string
  entries: readonly Entry[]
  /** Services that stay: an upgrade restarts those that run. */
  services: readonly string[]
  /** Services that an upgrade leaves alone, because their restart ends sessions. */
  left: readonly string[]
  /** What a removal stops: the services and their sockets. */
  stopped: readonly string[]
  /** All units: a removal disables them. One that does its work and ends is never stopped in the middle of it. */
  units: readonly string[]
}>

/** Where the families keep things. */
export type Family = Readonly<{unitFolder: string; zshFolder: string; licences(name: string): readonly Entry[]}>

const read = (path: string): Buffer => readFileSync(join(repository, path))
/** gzip without a name and a time: the same bytes every time. */
export const packed = (text: string | Buffer): Buffer => gzipSync(text, {level: 9})
const namesIn = (folder: string): readonly string[] => readdirSync(join(repository, folder)).sort()

/** The three packages. `run`: the words that start the executable on this machine. */
export function packagesOf(
  family: Family,
  {executable, run}: Readonly<{executable: string; run: readonly string[]}>,
): readonly Package[] {
  const output = (...args: string[]): string => {
    const [program = '', ...words] = [...run, ...args]
    const env = {HOME: '/var/lib/pgroute66', PATH: process.env.PATH}
    return execFileSync(program, words, {env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']})
  }
  const sample = output('init', 'postgres://pgroute66@10.0.0.1,10.0.0.2,10.0.0.3/postgres')
  // systemd gives the service both folders, so the example uses them.
  const config = sample.replaceAll(/^# (socket|state_dir):/gm, '$1:')
  const units = namesIn('packaging/systemd').filter((name) => /\.(service|socket|timer)$/.test(name))
  const ofNode = units.filter((name) => /^pgroute66-(guard|rejoin)/.test(name))
  const packages = [
    base({family, executable, config, units: units.filter((name) => !ofNode.includes(name))}),
    node(family, ofNode),
    haproxy(family, haproxyFile(config, output)),
  ]
  // Its units come with the commands that they run.
  return packages.filter(({name}) => name !== 'pgroute66-node' || ofNode.length > 0)
}

function base({
  family,
  executable,
  config,
  units,
}: Readonly<{family: Family; executable: string; config: string; units: readonly string[]}>): Package {
  const doc = 'usr/share/doc/pgroute66'
  const pages = namesIn('docs').map((name) => ({path: `${doc}/${name}`, content: read(`docs/${name}`)}))
  const shared = ['prometheus', 'grafana'].flatMap((folder) =>
    existsSync(join(repository, 'packaging', folder))
      ? namesIn(`packaging/${folder}`)
          .filter((name) => !name.endsWith('.test.yml'))
          .map((name) => ({
            path: `usr/share/pgroute66/${folder}/${name}`,
            content: read(`packaging/${folder}/${name}`),
          }))
      : [],
  )
  return {
    name: 'pgroute66',
    summary: 'which PostgreSQL host may be written to, and which read from',
    description: JSON.parse(read('package.json').toString()).description,
    ...rolesOf(units),
    entries: [
      {path: 'usr/bin/pgroute66', file: executable, mode: 0o755},
      {path: 'usr/share/man/man1/pgroute66.1.gz', content: packed(read('packaging/manual/pgroute66.1'))},
      {path: 'usr/share/man/man5/pgroute66.yaml.5.gz', content: packed(read('packaging/manual/pgroute66.yaml.5'))},
      ...['primary', 'standby'].flatMap((role) => [
        {path: `usr/bin/pgroute66-check-${role}`, link: 'pgroute66'},
        {path: `usr/share/man/man1/pgroute66-check-${role}.1.gz`, link: 'pgroute66.1.gz'},
      ]),
      ...units.map((name) => unit(family, name)),
      {path: 'usr/lib/sysusers.d/pgroute66.conf', content: read('packaging/systemd/pgroute66.sysusers')},
      {path: 'usr/lib/tmpfiles.d/pgroute66.conf', content: read('packaging/systemd/pgroute66.tmpfiles')},
      {path: 'etc/logrotate.d/pgroute66', content: read('packaging/logrotate/pgroute66'), isConfig: true},
      {
        path: 'usr/share/bash-completion/completions/pgroute66',
        content: read('packaging/completions/pgroute66.bash'),
      },
      {path: `${family.zshFolder}/_pgroute66`, content: read('packaging/completions/_pgroute66')},
      {
        path: 'usr/share/fish/vendor_completions.d/pgroute66.fish',
        content: read('packaging/completions/pgroute66.fish'),
      },
      {path: `${doc}/examples/config.yaml`, content: config},
      {path: `${doc}/README.md`, content: read('README.md')},
      ...pages,
      ...shared,
      ...family.licences('pgroute66'),
    ],
  }
}

const node = (family: Family, units: readonly string[]): Package => ({
  name: 'pgroute66-node',
  summary: 'pgroute66 beside PostgreSQL: guard and rejoin',
  description:
    'Units for a database host: guard opens and shuts pg_hba.conf for the users of the routers, ' +
    'rejoin brings a stray primary back as a standby.',
  ...rolesOf(units),
  entries: [
    ...units.map((name) => unit(family, name)),
    // For the operator to install, and not in force by itself: it needs guard.hba_file.
    {
      path: 'usr/share/pgroute66/systemd/postgresql-deny.conf',
      content: read('packaging/systemd/postgresql-deny.conf'),
    },
    ...family.licences('pgroute66-node'),
  ],
})

const haproxy = (family: Family, file: string): Package => ({
  name: 'pgroute66-haproxy',
  summary: 'pgroute66 beside HAProxy: a generated haproxy.cfg, hosts to fill in',
  description:
    'A complete haproxy.cfg for three hosts, and the right of the daemon to open the stats socket of HAProxy. ' +
    'The command "pgroute66 haproxy config" makes the file anew for your own hosts.',
  ...rolesOf([]),
  entries: [
    {path: 'etc/pgroute66/haproxy.cfg', content: file, isConfig: true},
    {path: `${family.unitFolder}/pgroute66.service.d/haproxy.conf`, content: read('packaging/systemd/haproxy.conf')},
    ...family.licences('pgroute66-haproxy'),
  ],
})

/** A restart of the guard shuts the gates of its host, and ends the sessions of applications. */
const isLeft = (unit: string): boolean => unit === 'pgroute66-guard.service'

/** A rejoin works on a data directory, and ends by itself: no package stops it in the middle of that. */
const endsByItself = (unit: string): boolean => unit === 'pgroute66-rejoin.service'

function rolesOf(units: readonly string[]): Pick<Package, 'services' | 'left' | 'stopped' | 'units'> {
  const stopped = units.filter((name) => !endsByItself(name))
  const services = stopped.filter((name) => name.endsWith('.service'))
  return {services: services.filter((name) => !isLeft(name)), left: services.filter(isLeft), stopped, units}
}

const unit = ({unitFolder}: Family, name: string): Entry => ({
  path: `${unitFolder}/${name}`,
  content: read(`packaging/systemd/${name}`),
})

function haproxyFile(config: string, output: (...args: string[]) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-haproxy-'))
  const path = join(folder, 'config.yaml')
  const routers = [
    'haproxy:',
    '  backends: {pg_write: primary, pg_read: replica}',
    '  instances: [{socket: /run/haproxy/admin.sock}]',
    '',
  ]
  try {
    writeFileSync(path, config + routers.join('\n'), {mode: 0o600})
    const made = output('haproxy', 'config', '--style', 'push', '-c', path)
    const [first = '', ...rest] = made.split('\n')
    const lines = [
      first,
      '# Fill in the addresses of your hosts, or make the file anew: add these lines to /etc/pgroute66/config.yaml,',
      ...routers.slice(0, 3).map((line) => `#   ${line}`),
      '# run "pgroute66 haproxy config --style push", and put its output into /etc/haproxy/haproxy.cfg.',
    ]
    return [...lines, ...rest].join('\n')
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}
