import {writeFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {StderrTail} from '../../src/actuators/hook/stderr-tail.ts'
import {isAlive} from '../../src/demo/processes.ts'
import {noon} from '../support/snapshots.ts'
import {soon, stage, toPrimary, why, workshop} from './hook-stage.ts'

const logged = (told: ReturnType<typeof stage>, level: string) => told.log.lines.filter((line) => line.level === level)

test('a command hears of a verdict by JSON and by variables, and of nothing else that we know', async () => {
  const shop = workshop()
  const secret = {
    PGPASSWORD: 's3cret',
    PGROUTE66CONFIG: '/etc/x',
    NODE_OPTIONS: '--x',
    PATH: process.env.PATH,
    HOME: '/home/pg',
    LANG: 'C',
  }
  await using told = stage({argv: shop.script('page-me', 'cat > $D/stdin; env > $D/env')}, secret)
  told.tell(417)
  await told.reported(1)
  expect(told.outcomes()).toBe('delivered')
  const {group, ...rest} = JSON.parse(shop.read('stdin'))
  expect(rest).toEqual({schema: 1, id: '9f2c41-417', at: new Date(noon.wall).toISOString(), change: toPrimary})
  expect(group).toMatchObject({hosts: ['host1', 'host2'], verdict: {kind: 'primary', routed_to: 'host1'}, evidence: []})
  expect(
    shop
      .lines('env')
      .filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))
      .sort(),
  ).toEqual(
    [
      'HOME=/home/pg',
      'LANG=C',
      `PATH=${process.env.PATH}`,
      `PGROUTE66_AT=${new Date(noon.wall).toISOString()}`,
      'PGROUTE66_FROM=no-primary',
      'PGROUTE66_GROUP=all',
      'PGROUTE66_ID=9f2c41-417',
      'PGROUTE66_PRIMARY=host1',
      'PGROUTE66_RULE=V4',
      'PGROUTE66_VERDICT=primary',
      `PGROUTE66_WHY=${why}`,
    ].sort(),
  )
})

test('a command that does not read its stdin is in order, and so is one that floods stdout', async () => {
  const shop = workshop()
  await using told = stage({argv: shop.script('deaf', 'exec <&-; head -c 50000000 /dev/zero')})
  told.tell(1)
  await told.reported(1)
  expect(told.outcomes()).toBe('delivered')
})

test.each([
  ['ignores SIGTERM', "trap '' TERM"],
  ['dies of it', ''],
  ['calls it a good end', "trap 'exit 0' TERM"],
])('the time limit ends a command with all that it has started, also what %s', async (_, trap) => {
  const shop = workshop()
  await using told = stage({
    argv: shop.script('hangs', `${trap}\nsleep 1000 & echo $! $$ > $D/pids; wait`),
    retries: 0,
    timeoutMs: 10_000,
  })
  told.tell(1)
  await soon(() => shop.read('pids').endsWith('\n'))
  const pids = shop.read('pids').trim().split(' ').map(Number)
  expect(pids.map(isAlive)).toEqual([true, true])
  await told.reported(2)
  expect(told.reports).toMatchObject([
    {
      outcome: 'failed',
      problem: expect.stringMatching(/^did not end within 10 s and was ended: .*raise the timeout/),
      ms: expect.any(Number),
    },
    {outcome: 'dropped', dropped: 1},
  ])
  await soon(() => !pids.some(isAlive))
})

test('what a command leaves running gets until the time limit; told is told', async () => {
  const shop = workshop()
  await using told = stage({argv: shop.script('leaves', 'sleep 1000 & echo $! $$ > $D/pids'), timeoutMs: 10_000})
  told.tell(1)
  await soon(() => shop.read('pids').endsWith('\n'))
  const [left = 0, command = 0] = shop.read('pids').trim().split(' ').map(Number)
  await soon(() => !isAlive(command))
  await told.reported(1)
  expect(told.reports).toMatchObject([
    {outcome: 'delivered', problem: expect.stringContaining('what it started did not end within 10 s')},
  ])
  await soon(() => !isAlive(left))
})

test('a flood on stderr is cut, and named', async () => {
  const shop = workshop()
  await using told = stage({argv: shop.script('floods', 'echo $$ > $D/pid; exec yes flood >&2'), retries: 0})
  told.tell(1)
  await soon(() => told.reports.length === 2)
  expect(told.reports[0]?.problem).toMatch(/^wrote more than 1 MiB to stderr and was ended/)
  expect(told.said().length).toBeLessThan(5_000)
  await soon(() => !isAlive(Number(shop.read('pid'))))
  const words = new StderrTail()
  for (let count = 0; count < 1_000; count += 1) words.add(Buffer.from(`${'x'.repeat(9_999)}\nline ${count}\n`))
  expect([words.received > 10_000_000, words.lines.at(-1), words.lines.join().length <= 4_096]).toEqual([
    true,
    'line 999',
    true,
  ])
})

test.each([
  ['is not there', () => ['/nowhere/page-me', '--token=s3cret'], /^is not there.*correct "run"/],
  [
    'is no program of ours',
    (shop: ReturnType<typeof workshop>) => [shop.at('plain'), '--token=s3cret'],
    /^may not be executed by us: chmod/,
  ],
  ['has too long arguments', () => ['/bin/true', 's3cret'.repeat(1_000_000)], /too long arguments/],
  ['has an argument that none can be', () => ['/bin/true', 's3cret\0'], /cannot be started \(ERR_INVALID_ARG_VALUE\)/],
])('a command that %s: said so, tried as often as set, and its arguments stay with us', async (_, argv, problem) => {
  const shop = workshop()
  writeFileSync(shop.at('plain'), 'not a program', {mode: 0o644})
  await using told = stage({argv: argv(shop), retries: 2})
  told.tell(1)
  await told.reported(4)
  expect(told.outcomes()).toBe('failed failed failed dropped')
  expect(told.reports[0]?.problem).toMatch(problem)
  expect(logged(told, 'error')).toMatchObject([
    {message: expect.stringMatching(/was not told that all went from no-primary to primary, 3 tries/)},
  ])
  expect(told.said()).not.toContain('s3cret')
})
