import {dirname, join, resolve} from 'node:path'
import type {RejoinSettings} from '../../core/node/rejoin-settings.ts'
import {orAbsent} from '../reading/or-absent.ts'
import {integer, text} from '../reading/scalar.ts'
import {type Keys, list, section} from '../reading/section.ts'
import {describe, type Read} from '../reading/shape.ts'
import type {Context} from './context.ts'
import {type Document, given} from './document.ts'
import type {Section} from './section.ts'

const command = (description: string) => describe(description, orAbsent(list(text(''))))

const shape = section(
  {
    pgdata: describe('the data directory of the server on this machine', text(null)),
    bin: describe('the folder of pg_rewind and its siblings; default on Debian: by config_file or pgdata', text(null)),
    config_file: describe(
      'postgresql.conf, where it lies outside of pgdata: /etc/postgresql/15/main/postgresql.conf',
      text(null),
    ),
    start: command('starts the server; default: systemctl start of the Debian cluster, or pg_ctl'),
    stop: command('stops the server (fast); default: as start'),
    status: command('ends with 0 while the server runs; default: as start'),
    register: command('runs once the server streams: [repmgr, -f, /etc/repmgr.conf, standby, register, --force]'),
    source_user: describe('role for pg_rewind and CHECKPOINT on the other primary', text('postgres')),
    replication_user: describe('role that streams; default: source_user', text(null)),
    slot: describe('physical replication slot on the other primary, made where it is missing', text(null)),
    archive: describe('gets a folder per run; default: the folder "diverged" beside pgdata', text(null)),
    max_loss_commits: describe('rejoin --auto discards at most so many commits', integer(0, 0, 1_000_000_000)),
  },
  {synonyms: {data_directory: 'pgdata', bindir: 'bin', pg_bindir: 'bin', primary_slot_name: 'slot'}},
)
const keys = {
  rejoin: describe('pgroute66 rejoin: brings a stray primary back as a standby', orAbsent(shape)),
}

/** The job of `pgroute66 rejoin` on this machine; the key `local` names the host. */
export const rejoinSection = {
  keys,
  settings({rejoin: read}: Keys<typeof keys>, context: Context): {rejoin: RejoinSettings | null} {
    return {rejoin: read && settingsOf(read, context)}
  },
  document: ({rejoin}) => ({rejoin: rejoin && rejoinDocument(rejoin)}),
} satisfies Section

function settingsOf(read: Read<typeof shape>, {directory, report}: Context): RejoinSettings {
  if (read.pgdata === null && report.isClean('rejoin'))
    report.refuse('rejoin.pgdata', 'CONFIG_MISSING', 'is missing', 'Write the data directory of this server.')
  if (read.slot !== null && !/^[a-z0-9_]{1,63}$/.test(read.slot))
    report.refuse('rejoin.slot', 'CONFIG_VALUE', 'is not the name of a slot', 'Use a-z, 0-9 and "_".')
  const pgdata = resolve(directory, read.pgdata ?? '')
  const configFile = read.config_file && resolve(directory, read.config_file)
  const debian = debianCluster(configFile)
  const bin = read.bin ?? debianBin(debian?.version ?? /\/postgresql\/(\d+)\//.exec(pgdata)?.[1] ?? null)
  if (bin === null && report.isClean('rejoin'))
    report.refuse('rejoin.bin', 'CONFIG_MISSING', 'is missing', 'Write the folder that "pg_config --bindir" prints.')
  for (const key of ['start', 'stop', 'status', 'register'] as const)
    if (read[key] !== null && (read[key][0] ?? '') === '')
      report.refuse(
        `rejoin.${key}`,
        'CONFIG_VALUE',
        'names no command',
        'Write a list: [systemctl, start, postgresql].',
      )
  const archive = resolve(directory, read.archive ?? join(dirname(pgdata), 'diverged'))
  if (`${archive}/`.startsWith(`${pgdata}/`) && read.pgdata !== null)
    report.refuse(
      'rejoin.archive',
      'CONFIG_VALUE',
      'lies inside of pgdata',
      'pg_rewind would empty it: use a folder outside.',
    )
  const pgCtl = [join(bin ?? '', 'pg_ctl'), '-D', pgdata]
  const usual = debian ? systemctl(`postgresql@${debian.version}-${debian.name}`) : pgCtlCommands(pgCtl)
  return {
    pgdata,
    bin: resolve(directory, bin ?? ''),
    configFile,
    start: read.start ?? usual.start,
    stop: read.stop ?? usual.stop,
    status: read.status ?? usual.status,
    register: read.register,
    sourceUser: read.source_user,
    replicationUser: read.replication_user ?? read.source_user,
    slot: read.slot,
    archive,
    maxLossCommits: read.max_loss_commits,
  }
}

/** Debian's layout: `/etc/postgresql/VERSION/NAME/postgresql.conf`. */
function debianCluster(configFile: string | null): Readonly<{version: string; name: string}> | null {
  const [, version, name] = /^\/etc\/postgresql\/(\d+)\/([^/]+)\/postgresql\.conf$/.exec(configFile ?? '') ?? []
  return version === undefined || name === undefined ? null : {version, name}
}

const debianBin = (version: string | null) => (version === null ? null : `/usr/lib/postgresql/${version}/bin`)

const systemctl = (unit: string) => ({
  start: ['systemctl', 'start', unit],
  stop: ['systemctl', 'stop', unit],
  status: ['systemctl', 'is-active', '--quiet', unit],
})

/** A server that replays much WAL is not ready after the limit of the start, and goes on. */
const pgCtlCommands = (pgCtl: readonly string[]) => ({
  start: [...pgCtl, '-w', '-t', '60', 'start'],
  stop: [...pgCtl, '-m', 'fast', '-w', '-t', '3600', 'stop'],
  status: [...pgCtl, 'status'],
})

const rejoinDocument = (settings: RejoinSettings): Document =>
  given({
    pgdata: settings.pgdata,
    bin: settings.bin,
    config_file: settings.configFile,
    start: settings.start,
    stop: settings.stop,
    status: settings.status,
    register: settings.register,
    source_user: settings.sourceUser,
    replication_user: settings.replicationUser,
    slot: settings.slot,
    archive: settings.archive,
    max_loss_commits: settings.maxLossCommits,
  })
