import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {RepmgrSettings} from '../../src/core/settings.ts'
import type {NodeRow, Reading} from '../../src/sources/repmgr/table.ts'
import {failing, NOW, primary, standby} from './records.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'repmgr')

export const repmgrSettings: RepmgrSettings = {dbname: 'repmgr', schema: 'repmgr', nodes: {}}

/** What was recorded in one situation: the hosts, their tables, and the right answer per primary. */
export type Situation = Readonly<{
  name: string
  hosts: readonly HostRecord[]
  readings: ReadonlyMap<string, Reading>
  expected: Readonly<Record<string, string>>
}>

const types: Readonly<Record<string, string>> = {P: 'primary', S: 'standby', W: 'witness'}

/** `n1=P+ n2=S-`: the rows of a table. Those of `elsewhere` are in location mm, all others in mr. */
export const rows = (text: string, elsewhere: readonly string[] = []): readonly NodeRow[] =>
  text.split(' ').map((each, index) => {
    const [, name = '', type = '', mark] = /^(.+)=([PSW])([+-])$/.exec(each) ?? []
    const location = elsewhere.includes(name) ? 'mm' : 'mr'
    return {id: index + 1, name, type: types[type] ?? '', active: mark === '+', location}
  })

export const table = (text: string, ageMs = 10, elsewhere: readonly string[] = []): Reading => ({
  kind: 'table',
  askedAt: NOW - ageMs,
  rows: rows(text, elsewhere),
})

const line = /^ {2}(\w+) (?:down|(primary|standby) on (\d+)(?: of (\w+) on (\d+), (\d+) ms)?: (.+))$/

/** The witness is no host of the group: it is another cluster. */
export function situations(): readonly Situation[] {
  const [, ...blocks] = readFileSync(join(fixtures, 'situations.txt'), 'utf8').trim().split('\n\n')
  return blocks.map((block) => {
    const [title = '', ...lines] = block.split('\n')
    const nodes = lines.flatMap((text) => {
      const [, name = '', role, on, of, received, ageMs, said = ''] = line.exec(text) ?? []
      if (name === '' || name === 'w') return []
      return [{name, role, timeline: Number(on), of, received: Number(received), ageMs: Number(ageMs), said}]
    })
    const hosts = nodes.map(({name, role, timeline, of, received, ageMs}) => {
      if (role === undefined) return failing(name)
      if (role === 'primary') return primary(name, {timeline})
      if (of === undefined) return standby(name, {timeline})
      return standby(name, {timeline, of, receiver: {receivedTimeline: received, lastMessageAgeMs: ageMs}})
    })
    const readings = nodes
      .filter(({role}) => role !== undefined)
      .map(({name, said}) => [name, table(said, 10, ['n4'])] as const)
    const answers = (lines.at(-1) ?? '').replace(/^ {2}-> (no primary)?/, '')
    const expected = answers === '' ? [] : answers.split(', ').map((each) => each.split(' ') as [string, string])
    return {
      name: title.slice(0, title.indexOf(':')),
      hosts,
      readings: new Map(readings),
      expected: Object.fromEntries(expected),
    }
  })
}

/** The lines of a recording of partitions: cells by column. */
export function partitions(file: string): readonly (readonly string[])[] {
  const [, body = ''] = readFileSync(join(fixtures, file), 'utf8').trim().split('\n\n')
  return body
    .split('\n')
    .slice(1)
    .map((each) => each.split(' | '))
}
