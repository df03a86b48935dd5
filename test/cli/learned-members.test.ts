import {mkdtemp, readFile, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {LearnedMembers} from '../../src/app/serve/learned-members.ts'
import {loadings} from '../../src/app/serve/loadings.ts'
import {reloads} from '../../src/app/serve/reload.ts'
import type {Config} from '../../src/config/config.ts'
import type {LearnedMember} from '../../src/config/learning/learned.ts'
import {plainConfig} from '../api/started.ts'
import {workplace} from '../config/workplace.ts'
import {until} from '../support/cluster.ts'
import {fakeSource, keptLog} from '../support/fake-source.ts'
import {json, type RawReply, rawServer} from '../support/raw-server.ts'
import {start} from '../support/run.ts'
import {freePort} from '../support/site.ts'
import {primary} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const member = (name: string, port = 5432): LearnedMember => ({name, host: '127.0.0.1', port})
const sender = (applicationName: string) => ({
  ...{pid: 1, applicationName, clientAddr: null, state: 'streaming', syncState: 'async', replayLsn: null},
})
const streaming = (...names: string[]) => ({hosts: {node1: primary({senders: names.map(sender)})}})

/** Looks every 5 s of a clock of its own. `told`: what Patroni answers, to be replaced. */
async function following(members: readonly LearnedMember[]) {
  const patroni = {reply: json({scope: 'main', members}) as RawReply}
  const server = await rawServer(() => patroni.reply)
  onTestFinished(() => server[Symbol.asyncDispose]())
  const place = {urls: [server.url], caFile: null, certFile: null, keyFile: null}
  const file = {path: '/none.yml', text: '', mode: 0o600}
  const config: Config = {...plainConfig, learned: {file, place, cluster: {scope: 'main', members}}}
  const [clock, log, source] = [new VirtualClock(), keptLog(), fakeSource(streaming())]
  let changes = 0
  const changed = () => void changes++
  const followed = await LearnedMembers.start(config, {source, clock, log, changed})
  onTestFinished(() => followed[Symbol.asyncDispose]())
  /** One look after the other: the next one is set once the last question has ended. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      await expect.poll(() => clock.pending, {timeout: 60_000}).toBe(1)
      await clock.run(5_000)
    }
    await expect.poll(() => clock.pending, {timeout: 60_000}).toBe(1)
  }
  const tell = (scope: string, ...told: LearnedMember[]) => {
    patroni.reply = json({scope, members: told})
  }
  return {
    ...{patroni, source, log, pass, tell},
    changes: () => changes,
    questions: () => server.requests.length,
    warnings: () => log.lines.filter(({level}) => level === 'warn').map(({message}) => message),
  }
}

test('a standby under a new name: one question, and one change where it is a member', async () => {
  const {source, pass, tell, changes, questions} = await following([member('node1')])
  await pass(60_000)
  expect(questions()).toBe(0)
  source.set(streaming('node1', 'a backup'))
  await pass(60_000)
  expect([questions(), changes()]).toEqual([1, 0])
  source.set(streaming('a backup', 'node2'))
  tell('main', member('node1'), member('node2', 5433))
  await pass(60_000)
  expect([questions(), changes()]).toEqual([2, 1])
  await pass(600_000)
  expect(questions()).toBe(3)
})

test('a member that is no longer listed, and another scope, change nothing', async () => {
  const {source, pass, tell, changes, warnings} = await following([member('node1'), member('node2', 5433)])
  tell('main', member('node1'))
  await pass(600_000)
  expect([changes(), warnings()]).toEqual([0, []])
  tell('other', member('node9', 5439))
  source.set(streaming('node9'))
  await pass(1_200_000)
  expect(changes()).toBe(0)
  expect(warnings()).toEqual([expect.stringContaining('tells the scope "other", the daemon knows "main"')])
})

test('while no member answers, a stranger is asked for again, and the log says it once', async () => {
  const {source, patroni, pass, tell, changes, questions, warnings} = await following([member('node1')])
  patroni.reply = 'close'
  source.set(streaming('node2'))
  await pass(180_000)
  expect(questions()).toBe(3)
  expect(warnings()).toEqual([expect.stringContaining("Patroni's members cannot be asked")])
  tell('main', member('node1'), member('node2', 5433))
  await pass(60_000)
  expect([questions(), changes()]).toEqual([4, 1])
})

test('one member vanishes, another joins: both stay without state_dir, later edits wait', async () => {
  await using place = await workplace()
  const patroni = {reply: json({scope: 'main', members: [member('node1'), member('node2', 5433)]})}
  await using server = await rawServer(() => patroni.reply)
  const path = await place.write('pgroute66.yml', `patroni: ${server.url}\nport: 8081\n`)
  const sources = loadings({path, env: place.env, cwd: place.directory}, (config) => config)
  let inForce = await sources.load(null)
  const [clock, log, source] = [new VirtualClock(), keptLog(), fakeSource(streaming('node2'))]
  const changed = () => reloading.follow()
  await using members = await LearnedMembers.start(inForce, {source, clock, log, changed})
  const take = async (config: Config) => {
    inForce = config
    await members.applyConfig(config)
  }
  const around = {inherited: new Map(), log, done: () => {}}
  const reloading = reloads({config: inForce, ...sources, apply: [take], ...around})
  await place.write('pgroute66.yml', `patroni: ${server.url}\nport: 8082\n`)
  patroni.reply = json({scope: 'main', members: [member('node1'), member('node3', 5434)]})
  source.set(streaming('node2', 'node3'))
  await clock.run(5_000)
  const names = () => inForce.hosts.map(({name}) => name)
  await expect.poll(names, {timeout: 60_000}).toEqual(['node1', 'node2', 'node3'])
  expect(inForce.port).toBe(8081)
  expect((await reloading.plan()).hosts.removed).toEqual(['node2'])
  reloading.request()
  await expect.poll(() => inForce.port, {timeout: 60_000}).toBe(8082)
  expect(names()).toEqual(['node1', 'node2', 'node3'])
  await reloading.carryOut(null, () => {})
  expect(names()).toEqual(['node1', 'node3'])
})

test('SIGHUP keeps a host that Patroni does not list, and takes in a new one; another scope is refused', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-learned-'))
  const file = join(cwd, 'pgroute66.yml')
  let reply = json({scope: 'main', members: [member('node1', await freePort()), member('node2', await freePort())]})
  await using server = await rawServer(() => reply)
  const text = `patroni: ${server.url}\nbind: 127.0.0.1\nport: ${await freePort()}\nlogfile: p.log\n`
  await writeFile(file, text, {mode: 0o600})
  const serve = start(['serve', '-c', file], {cwd, env: {HOME: cwd}})
  onTestFinished(() => void serve.child.kill('SIGKILL'))
  const logged = async (words: RegExp) => words.test(await readFile(join(cwd, 'p.log'), 'utf8').catch(() => ''))
  await until(() => logged(/listening/))
  expect(await logged(/WARN.*state_dir is missing, and the hosts are learned/)).toBe(true)
  reply = json({scope: 'main', members: [member('node1', await freePort()), member('node3', await freePort())]})
  serve.child.kill('SIGHUP')
  await until(() => logged(/configuration reloaded/))
  await until(() => logged(/node3/))
  const {hosts} = (await (await fetch(`http://127.0.0.1:${/port: (\d+)/.exec(text)?.[1]}/v1/snapshot`)).json()) as {
    hosts: object
  }
  expect(Object.keys(hosts)).toEqual(['node1', 'node2', 'node3'])
  reply = json({scope: 'other', members: [member('node9')]})
  serve.child.kill('SIGHUP')
  await until(() => logged(/ERROR the configuration was not reloaded.*tells the scope "other"/))
})
