import assert from 'node:assert/strict'
import {once} from 'node:events'
import {access, mkdtemp, readFile, rename, writeFile} from 'node:fs/promises'
import {type AddressInfo, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished, test} from 'vitest'
import {makeCertificates} from '../support/certificates.ts'
import {until} from '../support/cluster.ts'
import {run, start} from '../support/run.ts'
import {freePort, site} from '../support/site.ts'

const socketIn = (folder: string) => `socket: ${join(folder, 'pgroute66.sock')}`

test('the daemon and a direct check say the same; the log names the rule of each change; a stop is clean', async () => {
  const {cluster, cwd, serve, host1, host2, check, accept} = await site(socketIn)
  const same = async () => {
    for (const args of [['host1'], ['host2'], ['host2', '--role', 'standby'], ['host3', '--role', 'any']]) {
      const [daemon, direct] = [await check(...args), await check(...args, '--direct')]
      assert.deepEqual([daemon.code, daemon.stdout], [direct.code, direct.stdout])
    }
    const [daemon, direct] = [await check('--json'), await check('--direct', '--json')]
    const [one, other] = [JSON.parse(daemon.stdout), JSON.parse(direct.stdout)]
    assert.deepEqual([one.via, other.via], ['daemon', 'direct'])
    assert.deepEqual([one.exit, one.verdict.kind, one.verdict.why], [other.exit, other.verdict.kind, other.verdict.why])
  }
  await same()
  const watched = await run(['watch', '--once', '--json', '--url', join(cwd, 'pgroute66.sock')], {cwd})
  assert.equal(JSON.parse(watched.stdout).groups.all.verdict.primary, 'host1', watched.stderr)
  // Without flags `watch` asks the daemon of the configuration: its epoch tells.
  const own = await run(['watch', '--once', '--json'], {cwd})
  assert.deepEqual([JSON.parse(own.stdout).epoch, own.stderr], [JSON.parse(watched.stdout).epoch, ''])
  const direct = await run(['watch', '--once', '--json', '--direct'], {cwd})
  assert.notEqual(JSON.parse(direct.stdout).epoch, JSON.parse(own.stdout).epoch)

  await host1.kill()
  await serve.sees(/ERROR verdict of all: primary → no-primary: .*rule=V5/)
  assert.match(serve.output(), /WARN {2}host1: primary → unavailable: refused/)
  assert.equal((await check()).code, 5)
  await host2.promote()
  await serve.sees(/INFO {2}verdict of all: no-primary → primary: host2 .*rule=V4/)
  assert.equal((await check('host2')).code, 0)

  await host1.start()
  await serve.sees(/ERROR verdict of all: .* → split-brain: .*rule=V1 situation=two-primaries/)
  for (const host of ['host1', 'host2', 'host3']) assert.equal((await check(host)).code, 4)
  const refused = await accept('host2')
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /host1 is primary too/)
  host1.hang()
  await serve.sees(/host1: primary → unavailable: (timeout|hung)/)
  assert.equal((await check('host2')).code, 4, 'a rival that fell silent is still a rival')
  const accepted = await accept('host2', '--reason', 'host1 is switched off')
  assert.deepEqual(
    [accepted.code, accepted.stdout.startsWith('accepted: host2 is the primary')],
    [0, true],
    accepted.stderr,
  )
  await serve.sees(/WARN {2}accepted: host2 .*by=anna reason="host1 is switched off"/)
  assert.equal((await check('host2')).code, 0)
  assert.match(await readFile(join(cwd, 'state', 'memory.json'), 'utf8'), /"timeline": 2/)

  serve.child.kill('SIGTERM')
  const {code, signal} = await serve.ended
  assert.deepEqual([code, signal], [0, null])
  assert.match(serve.output(), /stopping.*\n(.*\n)*.*stopped\n$/)
  const gone = await accept('host2')
  assert.equal(gone.code, 2)
  assert.match(gone.stderr, /no daemon answers/)
  await cluster[Symbol.asyncDispose]()
})

test('a host that was shut down in order returns to the routes after its restart', async () => {
  const {cluster, serve, check} = await site(socketIn)
  const [, , host3] = cluster.nodes
  await host3?.stop('smart')
  await serve.sees(/host3: standby → unavailable/)
  await host3?.start()
  await until(async () => (await check('host3', '--role', 'standby')).code === 0)
})

test('SIGHUP: a bad file changes nothing and says why; a good one is followed, and the log is reopened', async () => {
  const {cwd, serve, file, text, asks, check} = await site(socketIn)
  await writeFile(file, `${text}\nbnid: 127.0.0.1\n`)
  serve.child.kill('SIGUSR1')
  serve.child.kill('SIGHUP')
  await serve.sees(/ERROR the configuration was not reloaded.*bnid/)
  assert.doesNotMatch(
    serve.output(),
    /Debugger/,
    "node's own answer to SIGUSR1 is a debugger for every user of the machine",
  )
  assert.equal((await check('host1', '--socket', join(cwd, 'pgroute66.sock'))).code, 0)

  const poked = await asks('poke')('host2', '--control-socket', join(cwd, 'control.sock'))
  assert.deepEqual([poked.code, poked.stdout.trim()], [0, 'probed: host2 is a standby'])
  assert.equal((await asks('drain')('host2', '--control-socket', join(cwd, 'control.sock'))).code, 0)
  await writeFile(
    file,
    `${text.replace(/^ {2}host3: .*$/m, '').replace('state_dir: state', 'state_dir: moved')}\nlogfile: p.log\n`,
  )
  serve.child.kill('SIGHUP')
  const logged = () => readFile(join(cwd, 'p.log'), 'utf8').catch(() => '')
  await until(async () => (await logged()).includes('configuration reloaded'))
  assert.deepEqual(Object.keys(JSON.parse((await check('--json')).stdout).hosts), ['host1', 'host2'])
  assert.match(await readFile(join(cwd, 'moved', 'memory.json'), 'utf8'), /"host2"/)
  await rename(join(cwd, 'p.log'), join(cwd, 'p.log.1'))
  serve.child.kill('SIGHUP')
  await until(async () => (await logged()).includes('configuration reloaded'))
  serve.child.kill('SIGINT')
  assert.equal((await serve.ended).code, 0)
  assert.match(await logged(), /stopped\n$/)
})

test('a second serve on one state_dir is refused before any write; after a kill the folder is free', async () => {
  const {cwd, serve, file, text} = await site()
  const changes = () => readFile(join(cwd, 'state', 'changes.jsonl'), 'utf8').catch(() => '')
  await until(async () => (await changes()).includes('"kind":"verdict"'))
  const other = join(cwd, 'other.yml')
  await writeFile(other, text.replace(/^port:.*$/m, `port: ${await freePort()}`), {mode: 0o600})
  const {code, stderr} = await run(['serve', '-c', other], {cwd})
  assert.equal(code, 2)
  const epochs = [...(await changes()).matchAll(/"epoch":"(\w+)"/g)].map(([, epoch]) => epoch)
  assert.equal(new Set(epochs).size, 1)
  assert.match(stderr, /another serve keeps its state in .*state\n.*state_dir of its own/)

  const apart = await writeFile(
    other,
    (await readFile(other, 'utf8')).replace('state_dir: state', 'state_dir: apart'),
  ).then(() => start([other], {cwd}))
  onTestFinished(() => void apart.child.kill('SIGKILL'))
  await apart.sees('listening')
  await writeFile(file, text.replace('state_dir: state', 'state_dir: apart'))
  serve.child.kill('SIGHUP')
  await serve.sees(/ERROR the configuration was not reloaded.*another serve keeps its state in/)

  apart.child.kill('SIGKILL')
  await apart.ended
  serve.child.kill('SIGHUP')
  await serve.sees('configuration reloaded')
  assert.equal((await run(['serve', '-c', other], {cwd})).code, 2, 'it is the other one that has the folder now')
  serve.child.kill('SIGTERM')
  assert.equal((await serve.ended).code, 0)
  await assert.rejects(access(join(cwd, 'apart', 'serve.sock')), 'a stop leaves nothing')
})

test('check over TLS trusts only the configured certificate, under any name', async () => {
  const {cwd, port, serve, check, accept, file, text} = await site((folder) => {
    makeCertificates(folder)
    return 'ssl: {cert_file: server.crt, key_file: server.key}\ntokens_file: tokens'
  })
  await serve.sees('https://127.0.0.1')
  await writeFile(join(cwd, 'tokens'), 'anna s3cret-of-anna-0\n', {mode: 0o600})
  await writeFile(join(cwd, 'mine'), 's3cret-of-anna-0\n', {mode: 0o600})
  await writeFile(join(cwd, 'wrong'), 'guessed\n', {mode: 0o600})
  const remote = (token: string) => [
    'host1',
    '--url',
    `https://127.0.0.1:${port}`,
    '--ca',
    'ca.crt',
    '--token-file',
    token,
  ]
  const [accepted, refused] = [await accept(...remote('mine')), await accept(...remote('wrong'))]
  assert.deepEqual([accepted.code, refused.code], [0, 2], accepted.stderr)
  assert.match(refused.stderr, /the token is unknown/)
  await serve.sees(/accepted: host1 .*by=anna/)
  assert.doesNotMatch(serve.output(), /s3cret/)

  assert.equal(JSON.parse((await check('host1', '--json')).stdout).via, 'daemon')
  const watched = await run(['watch', '--once'], {cwd})
  assert.deepEqual([watched.code, watched.stderr], [0, ''])
  const other = await mkdtemp(join(tmpdir(), 'pgroute66-serve-'))
  makeCertificates(other)
  await writeFile(file, text.replaceAll('server.', `${other}/server.`), {mode: 0o600})
  assert.equal(JSON.parse((await check('host1', '--json')).stdout).via, 'direct')
  const none = await check('host1', '--fallback', 'none')
  assert.equal(none.code, 3)
  assert.match(none.stdout, /does not have the configured certificate/)
  const direct = await run(['watch', '--once'], {cwd})
  assert.match(direct.stderr, /no daemon answers for these hosts .*configured certificate.*asks the hosts itself/)
})

test('a port in use: exit 2, and the error names the port', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-serve-'))
  const {port} = server.address() as AddressInfo
  await writeFile(join(cwd, 'c.yml'), `hosts: {host1: {host: 127.0.0.1, port: 1}}\nport: ${port}\n`, {mode: 0o600})
  const {code, stderr} = await run(['serve', '-c', 'c.yml'], {cwd})
  server.close()
  assert.equal(code, 2)
  assert.match(stderr, new RegExp(`pgroute66: .*127\\.0\\.0\\.1:${port}`))
  assert.doesNotMatch(stderr, /\n +at /)
})

test('https to a plain port, and http to a TLS port: the error names what is wrong', async () => {
  const plain = await site()
  const secure = await site((folder) => {
    makeCertificates(folder)
    return 'ssl: {cert_file: server.crt, key_file: server.key}'
  })
  for (const command of [
    ['watch', '--once'],
    ['drain', 'host2'],
  ]) {
    const https = await run([...command, '--url', `https://127.0.0.1:${plain.port}`], {cwd: plain.cwd})
    assert.match(https.stderr, /the server there does not speak TLS .*write http:\/\//)
    const http = await run([...command, '--url', `http://127.0.0.1:${secure.port}`], {cwd: secure.cwd})
    assert.match(http.stderr, /write https:\/\//)
    assert.deepEqual([https.code, http.code], [2, 2])
  }
})

test('SIGTERM before the first answer of a host: a clean stop, and no port was open', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-serve-'))
  const {port} = server.address() as AddressInfo
  // A stop that waits for the host takes longer than `start` lets the daemon run.
  const probe = 'probe: {connect_timeout: 5min, timeout: 5min, max_age: 10min}'
  const hosts = `hosts: {host1: {host: 127.0.0.1, port: ${port}}}`
  await writeFile(join(cwd, 'c.yml'), `${hosts}\nport: ${await freePort()}\n${probe}\n`, {mode: 0o600})
  const serve = start(['c.yml'], {cwd})
  await serve.sees('starting')
  serve.child.kill('SIGTERM')
  const {code, stderr} = await serve.ended
  assert.deepEqual([code, stderr.includes('listening')], [0, false], stderr)
})
