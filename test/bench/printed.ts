import {existsSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import type {HaproxyStyle} from '../../src/actuators/haproxy/cfg.ts'
import {adapted} from '../support/adapted.ts'
import {debian} from '../support/cluster.ts'
import {run, runJs} from '../support/run.ts'
import type {Site, Style} from './failover.ts'

type Placed = Parameters<Style['haproxyConfig']>[0]

const backends = 'backends: {pg_write: primary, pg_read: replica}'
const serveYaml: Record<HaproxyStyle, (site: Site) => string> = {
  push: ({folder}) => `haproxy: {${backends}, instances: [{socket: ${folder}/push.sock}]}`,
  agent: ({ports}) => `agent: {port: ${ports[0]}}`,
  httpchk: () => '',
  external: () => 'check: {timeout: 800ms}',
}

const executable = fileURLToPath(new URL('../../dist/exe/pgroute66', import.meta.url))

/** While there is a file `late-host1`, a "no" for host1 comes 300 ms late. */
const delayed = (check: string, {folder}: Site): string =>
  `#!/bin/sh\n${check} "$@"\ncode=$?\n` +
  `test $code -eq 0 || test ! -e ${folder}/late-$HAPROXY_SERVER_NAME || sleep 0.3\nexit $code\n`

/** The very file that `haproxy config` prints, on addresses, folders and a user of here. */
export const printed = (style: HaproxyStyle): Pick<Style, 'haproxyConfig' | 'serveYaml'> => ({
  serveYaml: serveYaml[style],
  haproxyConfig: async (site) => {
    if (style === 'external') {
      const checks = join(binOf(site), 'checks')
      mkdirSync(checks)
      // A link to bin/run.js finds its node by the file's own path.
      symlinkSync(process.execPath, join(binOf(site), 'node'))
      for (const role of ['primary', 'standby']) {
        const name = `pgroute66-check-${role}`
        symlinkSync(existsSync(executable) ? executable : runJs, join(checks, name))
        writeFileSync(join(binOf(site), name), delayed(join(checks, name), site), {mode: 0o755})
      }
    }
    return print(style, site)
  },
})

/**
 * The file of style external with another check under the name: whoever is not in recovery is a
 * primary.
 */
export const byPsql: Style['haproxyConfig'] = (site) => {
  const ask = `${debian}/psql -h "$3" -p "$4" -U postgres -d postgres -Atc 'select pg_is_in_recovery()'`
  for (const [role, answer] of [
    ['primary', 'f'],
    ['standby', 't'],
  ])
    writeFileSync(join(binOf(site), `pgroute66-check-${role}`), `#!/bin/sh\ntest "$(${ask})" = ${answer}\n`, {
      mode: 0o755,
    })
  // Without what keeps two servers that are up from being used: that is not psql's doing.
  return print('external', site, {'    tcp-request connection reject if { nbsrv(pg_write) gt 1 }\n': ''})
}

async function print(style: HaproxyStyle, site: Placed, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const {code, stdout, stderr} = await run([
    'haproxy',
    'config',
    '--style',
    style,
    '-c',
    site.config,
    '--daemon',
    `127.0.0.1:${site.api}`,
  ])
  if (code !== 0) throw new Error(`haproxy config ended with ${code}: ${stderr}`)
  return adapted(stdout, {
    '    user haproxy\n    group haproxy\n': '',
    'bind :5000': 'bind 127.0.0.1:{port:write}',
    'bind :5001': 'bind 127.0.0.1:{port:read}',
    ...(style === 'httpchk' ? {'8066': '{port:checks}'} : {}),
    ...(style === 'push' ? {' user haproxy group haproxy mode 660': ' mode 660'} : {}),
    ...(style === 'external' ? {'/usr/local/bin': binOf(site)} : {}),
    ...more,
  })
}

function binOf({folder}: Site): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin, {recursive: true})
  return bin
}
