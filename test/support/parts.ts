import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

/** The parts that tests use beside npm's: where each is, and the Debian package that brings it. */
export const parts = [
  {name: 'PostgreSQL 15', path: '/usr/lib/postgresql/15/bin/postgres', debian: 'postgresql-15'},
  {name: 'repmgr', path: '/usr/lib/postgresql/15/bin/repmgrd', debian: 'postgresql-15-repmgr'},
  {name: 'pg_auto_failover', path: '/usr/bin/pg_autoctl', debian: 'pg-auto-failover-cli'},
  {
    name: 'pg_auto_failover extension',
    path: '/usr/share/postgresql/15/extension/pgautofailover.control',
    debian: 'postgresql-15-auto-failover',
  },
  {name: 'HAProxy', path: '/usr/sbin/haproxy', debian: 'haproxy'},
  {name: 'PgBouncer', path: '/usr/sbin/pgbouncer', debian: 'pgbouncer'},
  {name: 'promtool', path: '/usr/bin/promtool', debian: 'prometheus'},
  {name: 'openssl', path: '/usr/bin/openssl', debian: 'openssl'},
  {name: 'chromium', path: '/usr/bin/chromium', debian: 'chromium'},
  {name: 'tmux', path: '/usr/bin/tmux', debian: 'tmux'},
  {name: 'systemd-notify', path: '/usr/bin/systemd-notify', debian: 'systemd'},
  {name: 'systemd', path: '/usr/bin/systemd-analyze', debian: 'systemd'},
  {name: 'systemd-nspawn', path: '/usr/bin/systemd-nspawn', debian: 'systemd-container'},
  {name: 'lintian', path: '/usr/bin/lintian', debian: 'lintian'},
  {name: 'rpmbuild', path: '/usr/bin/rpmbuild', debian: 'rpm'},
  {name: 'rpmlint', path: '/usr/bin/rpmlint', debian: 'rpmlint'},
  {name: 'keepalived', path: '/usr/sbin/keepalived', debian: 'keepalived'},
  {name: 'Ansible', path: '/usr/bin/ansible-playbook', debian: 'ansible-core'},
  {name: 'shellcheck', path: '/usr/bin/shellcheck', debian: 'shellcheck'},
  {name: 'ansible-lint', path: '/usr/bin/ansible-lint', debian: 'ansible-lint'},
  {name: 'mandoc', path: '/usr/bin/mandoc', debian: 'mandoc'},
  {name: 'zsh', path: '/usr/bin/zsh', debian: 'zsh'},
  {name: 'fish', path: '/usr/bin/fish', debian: 'fish'},
  {name: 'binutils', path: '/usr/bin/strip', debian: 'binutils'},
  {name: 'socat', path: '/usr/bin/socat', debian: 'socat'},
  {name: 'etcd', path: '/usr/bin/etcd', debian: 'etcd-server'},
  {name: 'Patroni', path: '/usr/bin/patroni', debian: 'patroni'},
  {name: 'ip', path: '/usr/sbin/ip', debian: 'iproute2'},
  {name: 'python3', path: '/usr/bin/python3', debian: 'python3-minimal'},
  {name: 'strace', path: '/usr/bin/strace', debian: 'strace'},
  {name: 'nftables', path: '/usr/sbin/nft', debian: 'nftables'},
  {name: 'attr', path: '/usr/bin/setfattr', debian: 'attr'},
  {name: 'python3-grpcio', path: '/usr/lib/python3/dist-packages/grpc/__init__.py', debian: 'python3-grpcio'},
] as const

export type Part = (typeof parts)[number]

export const missingParts = (): readonly Part[] => parts.filter(({path}) => !existsSync(path))

/**
 * For `describe.skipIf(lacks('HAProxy'))`: skipped loudly by install.ts, and never under CI, where
 * a missing part must fail.
 */
export const lacks = (name: Part['name']): boolean =>
  process.env.CI !== 'true' && missingParts().some((part) => part.name === name)

/**
 * For `describe.skipIf(lacksLab)`: the laboratory (test/lab) makes network namespaces, which takes
 * root and /dev/net/tun. Under CI it is never skipped.
 */
export const lacksLab: boolean =
  process.env.CI !== 'true' &&
  (lacks('ip') || lacks('python3') || process.getuid?.() !== 0 || !existsSync('/dev/net/tun'))

/** The ten libraries that the connector is tested with, outside of the root's workspaces. */
export const libraries = fileURLToPath(new URL('../libraries/', import.meta.url))
export const hasLibraries = (): boolean => existsSync(`${libraries}node_modules/.prisma/client/client.js`)
export const lacksLibraries: boolean = process.env.CI !== 'true' && !hasLibraries()

/**
 * Where install.ts puts the tools of test/tools/NAME: they have dependencies of their own, among them
 * another TypeScript. `file`: there once they are installed.
 */
const toolsOf = (name: string, file: string) => {
  const folder = fileURLToPath(new URL(`../../node_modules/.${name}-tools/`, import.meta.url))
  return {name, folder, isThere: () => existsSync(join(folder, 'node_modules', file))}
}
export const openapiTools = toolsOf('openapi', '.bin/redocly')
export const grpcTools = toolsOf('grpc', '@grpc/grpc-js/package.json')
export const lacksTools = ({isThere}: typeof openapiTools): boolean => process.env.CI !== 'true' && !isThere()
