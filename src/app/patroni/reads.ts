import type {TimelineEntry} from '../../patroni/data/history.ts'
import {print} from '../cli/print.ts'
import {type Format, formatOf} from './flags.ts'
import {lsnOf} from './line.ts'
import {listing} from './list.ts'
import {overviewOf} from './overview.ts'
import {explained, notReadable, type Site, type SiteFlags, siteOf} from './site.ts'
import {type Column, documentOf, printedAs, tableOf, tsvOf} from './table.ts'

type Printed = SiteFlags & Readonly<{format?: Format | undefined; json: boolean}>

export type ListFlags = Printed &
  Readonly<{extended?: boolean; timestamp?: boolean; watch?: boolean; isTree?: boolean; everyMs?: number}>

/** `patroni list` and `topology`; the exit code says who leads. With `watch`, until the process ends. */
export async function printList(flags: ListFlags): Promise<number> {
  const {extended = false, timestamp = false, watch = false, isTree = false, everyMs = 2_000} = flags
  const site = await siteOf(flags)
  for (;;) {
    const {text, exit} = await listed(site, flags, {isExtended: extended, isTree})
    const time = timestamp ? `${new Date().toISOString().replace('T', ' ').slice(0, 19)}Z\n` : ''
    const clear = watch && process.stdout.isTTY ? '\u001b[H\u001b[2J' : ''
    print(1, `${clear}${time}${text}`)
    if (!watch) return exit
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

async function listed(site: Site, flags: ListFlags, shape: Readonly<{isExtended: boolean; isTree: boolean}>) {
  const overview = await explained(() => overviewOf(site))
  return listing(overview, {...shape, format: formatOf(flags)})
}

const historyColumns: readonly Column<TimelineEntry>[] = [
  {head: 'TL', key: 'timeline', of: ({timeline}) => timeline, isRight: true},
  {head: 'LSN', key: 'lsn', of: ({lsn}) => lsnOf(lsn), isRight: true},
  {head: 'Reason', key: 'reason', of: ({reason}) => reason},
  {head: 'Timestamp', key: 'at', of: ({at}) => at},
  {head: 'New Leader', key: 'leader', of: ({leader}) => leader},
]

/** `patroni history`. */
export async function printHistory(flags: Printed): Promise<void> {
  const {client} = await siteOf(flags)
  const {data, status, member} = await explained(() => client.history())
  if (data === null) throw notReadable(member, status)
  printRows(historyColumns, data, formatOf(flags))
}

type Version = Readonly<{member: string; patroni: string | null; postgresql: string | null; silence: string | null}>
const versionColumns: readonly Column<Version>[] = [
  {head: 'Member', key: 'member', of: ({member}) => member},
  {head: 'Patroni', key: 'patroni', of: ({patroni}) => patroni, show: ({patroni}) => patroni ?? '?'},
  {head: 'PostgreSQL', key: 'postgresql', of: ({postgresql}) => postgresql, show: ({postgresql}) => postgresql ?? '?'},
  {head: 'Silence', key: 'silence', of: ({silence}) => silence},
]

/** `patroni version`: of each member. 3: none answers. */
export async function printVersions(flags: Printed): Promise<number> {
  const overview = await explained(async () => overviewOf(await siteOf(flags)))
  const rows = overview.asked.map(({name, heard}): Version => {
    if ('error' in heard) return {member: name, patroni: null, postgresql: null, silence: heard.error.message}
    const {server_version: server, patroni} = heard.answer.data ?? {}
    return {member: name, patroni: patroni?.version ?? null, postgresql: serverVersion(server), silence: null}
  })
  const columns = rows.some(({silence}) => silence !== null) ? versionColumns : versionColumns.slice(0, 3)
  printRows(columns, rows, formatOf(flags))
  return rows.some(({patroni}) => patroni !== null) ? 0 : 3
}

/** `server_version_num`: 150018 is 15.18, 90503 is 9.5.3. */
export const serverVersion = (number: number | undefined): string | null => {
  if (number === undefined) return null
  const major = Math.floor(number / 10_000)
  if (major >= 10) return `${major}.${number % 10_000}`
  return `${major}.${Math.floor(number / 100) % 100}.${number % 100}`
}

function printRows<T>(columns: readonly Column<T>[], rows: readonly T[], format: Format): void {
  if (format === 'table') print(1, tableOf('', columns, rows))
  else if (format === 'tsv') print(1, tsvOf(columns, rows))
  else print(1, printedAs(format, documentOf(columns, rows)))
}
