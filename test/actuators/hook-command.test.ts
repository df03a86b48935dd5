import {writeFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {StderrTail} from '../../src/actuators/hook/stderr-tail.ts'
import {isAlive} from '../../src/demo/processes.ts'
import {noon} from '../support/snapshots.ts'
import {soon, stage, toPrimary, why, workshop} from './hook-stage.ts'

const logged = (staged: ReturnType<typeof stage>, level: string) =>
  staged.log.lines.filter((line) => line.level === level)

test('a command receives a verdict as JSON and variables, and no other variable of the daemon', async () => {
  const shop = workshop()
  const secret = {
    PGPASSWORD: 's3cret',
    PGROUTE66CONFIG: '/etc/x',
    NODE_OPTIONS: '--x',
    PATH: process.env.PATH,
    HOME: '/home/pg',
    LANG: 'C',
  }
  await using staged = stage({argv: shop.script('page-me', 'cat > $D/stdin; env > $D/env')}, secret)
  staged.notify(417)
  await staged.reported(1)
  expect(staged.outcomes()).toBe('delivered')
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
      'PGROUTE66_SITUATION=healthy',
      'PGROUTE66_VERDICT=primary',
      `PGROUTE66_WHY=${why}`,
    ].sort(),
  )
})

test('a command that ignores its stdin or floods stdout has delivered', async () => {
  const shop = workshop()
  await using staged = stage({argv: shop.script('deaf', 'exec <&-; head -c 50000000 /dev/zero')})
  staged.notify(1)
  await staged.reported(1)
  expect(staged.outcomes()).toBe('delivered')
})

test.each([
  ['ignores SIGTERM', "trap '' TERM"],
  ['exits on SIGTERM', ''],
  ['exits 0 on SIGTERM', "trap 'exit 0' TERM"],
])('the time limit ends a command and every process that it started, also one that %s', async (_, trap) => {
  const shop = workshop()
  await using staged = stage({
    argv: shop.script('hangs', `${trap}\nsleep 1000 & echo $! $$ > $D/pids; wait`),
    retries: 0,
    timeoutMs: 10_000,
  })
  staged.notify(1)
  await soon(() => shop.read('pids').endsWith('\n'))
  const pids = shop.read('pids').trim().split(' ').map(Number)
  expect(pids.map(isAlive)).toEqual([true, true])
  await staged.reported(2)
  expect(staged.reports).toMatchObject([
    {
      outcome: 'failed',
      problem: expect.stringMatching(/^did not end within 10 s and was stopped: .*raise its timeout/),
      ms: expect.any(Number),
    },
    {outcome: 'dropped', dropped: 1},
  ])
  await soon(() => !pids.some(isAlive))
})

test('a process that a command leaves running ends at the time limit, and the event counts as delivered', async () => {
  const shop = workshop()
  await using staged = stage({argv: shop.script('leaves', 'sleep 1000 & echo $! $$ > $D/pids'), timeoutMs: 10_000})
  staged.notify(1)
  await soon(() => shop.read('pids').endsWith('\n'))
  const [left = 0, command = 0] = shop.read('pids').trim().split(' ').map(Number)
  await soon(() => !isAlive(command))
  await staged.reported(1)
  expect(staged.reports).toMatchObject([
    {outcome: 'delivered', problem: expect.stringContaining('a process that it started did not end within 10 s')},
  ])
  await soon(() => !isAlive(left))
})

test('a flood on stderr is stopped, and the problem says so', async () => {
  const shop = workshop()
  await using staged = stage({argv: shop.script('floods', 'echo $$ > $D/pid; exec yes flood >&2'), retries: 0})
  staged.notify(1)
  await soon(() => staged.reports.length === 2)
  expect(staged.reports[0]?.problem).toMatch(/^wrote more than 1 MiB to stderr and was stopped/)
  expect(staged.shown().length).toBeLessThan(5_000)
  await soon(() => !isAlive(Number(shop.read('pid'))))
  const tail = new StderrTail()
  for (let count = 0; count < 1_000; count += 1) tail.add(Buffer.from(`${'x'.repeat(9_999)}\nline ${count}\n`))
  expect([tail.received > 10_000_000, tail.lines.at(-1), tail.lines.join().length <= 4_096]).toEqual([
    true,
    'line 999',
    true,
  ])
})

test.each([
  ['does not exist', () => ['/nowhere/page-me', '--token=s3cret'], /^does not exist.*correct "run"/],
  [
    'is not executable',
    (shop: ReturnType<typeof workshop>) => [shop.at('plain'), '--token=s3cret'],
    /^may not be executed: chmod/,
  ],
  ['has too long arguments', () => ['/bin/true', 's3cret'.repeat(1_000_000)], /too long arguments/],
  ['has an argument with a NUL', () => ['/bin/true', 's3cret\0'], /cannot be started \(ERR_INVALID_ARG_VALUE\)/],
])(
  'a command that %s: the problem says so, every retry is used, and no argument is shown',
  async (_, argv, problem) => {
    const shop = workshop()
    writeFileSync(shop.at('plain'), 'not a program', {mode: 0o644})
    await using staged = stage({argv: argv(shop), retries: 2})
    staged.notify(1)
    await staged.reported(4)
    expect(staged.outcomes()).toBe('failed failed failed dropped')
    expect(staged.reports[0]?.problem).toMatch(problem)
    expect(logged(staged, 'error')).toMatchObject([
      {message: expect.stringMatching(/lost the event that all went from no-primary to primary, after 3 tries/)},
    ])
    expect(staged.shown()).not.toContain('s3cret')
  },
)
