import {writeFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {hookName, hookNames, queueBound} from '../../src/actuators/hook/hook.ts'
import {isAlive} from '../../src/demo/processes.ts'
import {event, soon, stage, workshop} from './hook-stage.ts'

const logged = (told: ReturnType<typeof stage>, level: string) => told.log.lines.filter((line) => line.level === level)

test('retries keep the order: nobody hears of the second event before the first one is told', async () => {
  const shop = workshop()
  const script =
    'echo $PGROUTE66_ID >> $D/ids; [ $PGROUTE66_ID != 9f2c41-1 ] || [ $(grep -c 41-1$ $D/ids) -ge 3 ] || { echo no luck >&2; exit 3; }'
  await using told = stage({argv: shop.script('moody', script)})
  told.tell(1, 2, 3)
  await told.reported(5)
  expect(told.outcomes()).toBe('failed failed delivered delivered delivered')
  expect(
    shop
      .lines('ids')
      .map((id) => id.slice(-1))
      .join(''),
  ).toBe('11123')
  expect(told.reports[0]?.problem).toBe('ended with exit code 3: its last words are in the log')
  expect(told.reports.at(-1)).toMatchObject({problem: null, dropped: 0, waiting: 0})
  // Said when it came and when it was over, not at each try; what a command prints is for the log
  // alone.
  expect(logged(told, 'warn').map(({fields}) => fields)).toMatchObject([{stderr: 'no luck', id: '9f2c41-1'}])
  expect(logged(told, 'info').map(({message}) => message)).toEqual([`${told.hook.name}: in order again`])
  expect(JSON.stringify(told.reports)).not.toContain('no luck')
})

test('a hook that hangs fills its queue: the oldest are dropped, counted, and said once', async () => {
  const shop = workshop()
  const script = 'echo $PGROUTE66_ID >> $D/ids; while [ ! -e $D/go ]; do sleep 0.02; done'
  await using told = stage({argv: shop.script('slow', script)})
  told.tell(...Array.from({length: queueBound + 4}, (_, index) => index + 1))
  expect(told.reports.map(({outcome, dropped, waiting}) => [outcome, dropped, waiting])).toEqual([
    ['dropped', 1, queueBound - 1],
    ['dropped', 2, queueBound - 1],
    ['dropped', 3, queueBound - 1],
  ])
  expect(logged(told, 'error')).toMatchObject([
    {message: expect.stringMatching(/: its queue is full, the oldest events are dropped: make it faster/)},
  ])
  writeFileSync(shop.at('go'), '')
  await soon(() => told.reports.length === 3 + queueBound + 1)
  expect(shop.lines('ids').map((id) => Number(id.slice(7)))).toEqual([
    1,
    ...Array.from({length: queueBound}, (_, index) => index + 5),
  ])
  expect(told.reports[3]?.problem).toContain('its queue is full')
  expect(told.reports.at(-1)).toMatchObject({outcome: 'delivered', problem: null, dropped: 3})
  expect(logged(told, 'warn').map(({message}) => message)).toEqual([
    `${told.hook.name}: 3 events were dropped while its queue was full`,
  ])
})

test('a stop ends the command under way after a short while, tells no more, and leaves no process', async () => {
  const shop = workshop()
  const told = stage({argv: shop.script('hangs', 'sleep 1000 & echo $! $$ >> $D/pids; wait')})
  told.tell(1, 2)
  await soon(() => shop.read('pids').endsWith('\n'))
  await told[Symbol.asyncDispose]()
  told.tell(3)
  const pids = shop.read('pids').trim().split(/\s/).map(Number)
  expect(pids.length).toBe(2)
  await soon(() => !pids.some(isAlive))
  expect(told.outcomes()).toBe('failed dropped')
  expect(told.reports[0]?.problem).toBe('was cut short: the daemon stops, or this hook was changed')
  expect(logged(told, 'warn')[0]?.message).toBe(`${told.hook.name}: stopped before 1 events could be told`)
  expect(told.clock.pending).toBe(0)
})

test('a stop lets a command end that is about to, and does not wait for the next try', async () => {
  const shop = workshop()
  const good = stage({argv: shop.script('good', 'echo > $D/begun; while [ ! -e $D/go ]; do sleep 0.02; done')})
  good.tell(1)
  await soon(() => shop.read('begun') !== '')
  const over = good.hook[Symbol.asyncDispose]()
  writeFileSync(shop.at('go'), '')
  await over
  expect(good.outcomes()).toBe('delivered')

  const bad = stage({argv: shop.script('bad', 'exit 1')})
  bad.tell(1)
  await soon(() => bad.reports.length === 1)
  await bad.hook[Symbol.asyncDispose]()
  expect(bad.outcomes()).toBe('failed dropped')
  expect([bad.clock.pending, good.clock.pending]).toEqual([0, 0])
})

test('names hold no secret, and hooks of one name are told apart', async () => {
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

test('a hook is told of what it asked for', async () => {
  const shop = workshop()
  await using told = stage({argv: shop.script('all', 'true'), on: ['no-primary']})
  told.hook.notify(event(1))
  await told.clock.run(1_000)
  expect(told.reports).toEqual([])
})
