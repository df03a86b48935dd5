import {writeFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {hookName, hookNames, queueBound} from '../../src/actuators/hook/hook.ts'
import {isAlive} from '../../src/demo/processes.ts'
import {event, soon, stage, workshop} from './hook-stage.ts'

const logged = (staged: ReturnType<typeof stage>, level: string) =>
  staged.log.lines.filter((line) => line.level === level)

test('retries keep the order: the second event waits until the first one is delivered', async () => {
  const shop = workshop()
  const script =
    'echo $PGROUTE66_ID >> $D/ids; [ $PGROUTE66_ID != 9f2c41-1 ] || [ $(grep -c 41-1$ $D/ids) -ge 3 ] || ' +
    '{ echo no luck >&2; exit 3; }'
  await using staged = stage({argv: shop.script('moody', script)})
  staged.notify(1, 2, 3)
  await staged.reported(5)
  expect(staged.outcomes()).toBe('failed failed delivered delivered delivered')
  expect(
    shop
      .lines('ids')
      .map((id) => id.slice(-1))
      .join(''),
  ).toBe('11123')
  expect(staged.reports[0]?.problem).toBe('ended with exit code 3: the log shows the end of its stderr')
  expect(staged.reports.at(-1)).toMatchObject({problem: null, dropped: 0, waiting: 0})
  // Said when it came and when it was over, not at each try; what a command prints is for the log
  // alone.
  expect(logged(staged, 'warn').map(({fields}) => fields)).toMatchObject([{stderr: 'no luck', id: '9f2c41-1'}])
  expect(logged(staged, 'info').map(({message}) => message)).toEqual([`${staged.hook.name}: works again`])
  expect(JSON.stringify(staged.reports)).not.toContain('no luck')
})

test('a hook that hangs fills its queue: the oldest events are dropped and counted, with one log line', async () => {
  const shop = workshop()
  const script = 'echo $PGROUTE66_ID >> $D/ids; while [ ! -e $D/go ]; do sleep 0.02; done'
  await using staged = stage({argv: shop.script('slow', script)})
  staged.notify(...Array.from({length: queueBound + 4}, (_, index) => index + 1))
  expect(staged.reports.map(({outcome, dropped, waiting}) => [outcome, dropped, waiting])).toEqual([
    ['dropped', 1, queueBound - 1],
    ['dropped', 2, queueBound - 1],
    ['dropped', 3, queueBound - 1],
  ])
  expect(logged(staged, 'error')).toMatchObject([
    {message: expect.stringMatching(/: the queue is full and drops its oldest events: make the hook faster/)},
  ])
  expect([staged.hook.waiting, staged.hook.lost]).toEqual([queueBound + 1, 3])
  writeFileSync(shop.at('go'), '')
  await soon(() => staged.reports.length === 3 + queueBound + 1)
  expect(shop.lines('ids').map((id) => Number(id.slice(7)))).toEqual([
    1,
    ...Array.from({length: queueBound}, (_, index) => index + 5),
  ])
  expect(staged.reports[3]?.problem).toContain('the queue is full')
  expect(staged.reports.at(-1)).toMatchObject({outcome: 'delivered', problem: null, dropped: 3})
  expect(logged(staged, 'warn').map(({message}) => message)).toEqual([
    `${staged.hook.name}: dropped 3 events while its queue was full`,
  ])
})

test('a stop ends the running command soon, delivers no more events, and leaves no process', async () => {
  const shop = workshop()
  const staged = stage({argv: shop.script('hangs', 'sleep 1000 & echo $! $$ >> $D/pids; wait')})
  staged.notify(1, 2)
  await soon(() => shop.read('pids').endsWith('\n'))
  await staged[Symbol.asyncDispose]()
  staged.notify(3)
  const pids = shop.read('pids').trim().split(/\s/).map(Number)
  expect(pids.length).toBe(2)
  await soon(() => !pids.some(isAlive))
  expect(staged.outcomes()).toBe('failed dropped')
  expect(staged.reports[0]?.problem).toBe(
    'was cut short because the daemon stops or the configuration of this hook has changed',
  )
  expect(logged(staged, 'warn')[0]?.message).toBe(`${staged.hook.name}: stopped with 1 events undelivered`)
  expect(staged.clock.pending).toBe(0)
})

test('a stop waits for a command that is about to end, but not for the next try', async () => {
  const shop = workshop()
  const good = stage({argv: shop.script('good', 'echo > $D/begun; while [ ! -e $D/go ]; do sleep 0.02; done')})
  good.notify(1)
  await soon(() => shop.read('begun') !== '')
  const over = good.hook[Symbol.asyncDispose]()
  writeFileSync(shop.at('go'), '')
  await over
  expect(good.outcomes()).toBe('delivered')

  const bad = stage({argv: shop.script('bad', 'exit 1')})
  bad.notify(1)
  await soon(() => bad.reports.length === 1)
  await bad.hook[Symbol.asyncDispose]()
  expect(bad.outcomes()).toBe('failed dropped')
  expect([bad.clock.pending, good.clock.pending]).toEqual([0, 0])
})

test('names hold no secret, and hooks of the same name get a number', async () => {
  const common = {on: null, groups: null, timeoutMs: 1, retries: 0}
  const [run, post] = [
    {...common, kind: 'run', argv: ['/usr/local/bin/page-me', '--token=x']} as const,
    {...common, kind: 'post', url: 'https://user:pw@hooks.example/services/T0/x', secretFile: null} as const,
  ]
  expect([run, post].map(hookName)).toEqual(['hook /usr/local/bin/page-me', 'hook https://hooks.example'])
  expect(hookNames([run, post, run])).toEqual([
    'hook /usr/local/bin/page-me',
    'hook https://hooks.example',
    'hook /usr/local/bin/page-me #2',
  ])
})

test('a hook receives only the verdicts in "on"', async () => {
  const shop = workshop()
  await using staged = stage({argv: shop.script('all', 'true'), on: ['no-primary']})
  staged.hook.notify(event(1))
  await staged.clock.run(1_000)
  expect(staged.reports).toEqual([])
})
