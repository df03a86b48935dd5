import {OperatorError} from '../../src/core/errors.ts'
import type {Change, Snapshot} from '../../src/core/snapshot.ts'
import {suspectOf} from '../../src/core/verdict/verdict-kind.ts'
import {groupSettings} from './settings.ts'
import type {SimulatedCluster} from './simulated-cluster.ts'
import {Stage} from './stage.ts'
import {StoryRouter} from './story-router.ts'

type Words = Readonly<Record<string, string>>
type Command = Readonly<{form: RegExp; act: (story: Story, words: Words) => Promise<void> | void}>

const group = 'all'
/** Past the fast pace, and in the middle of an interval. */
const calmMs = 13_333
const operator = {by: 'jane', reason: null}
const listOf = (names: string | undefined): readonly string[] => names?.trim().split(' ') ?? []
const orNone = (names: readonly string[]) => names.join(', ') || 'none'

/** What happens to the servers. The daemon has to find out by itself. */
const happenings: readonly Command[] = [
  happening('crash HOST', (cluster, host) => cluster.crash(host)),
  happening('shut down HOST', (cluster, host) => cluster.stop(host)),
  happening('start HOST', (cluster, host) => cluster.start(host)),
  happening('promote HOST', (cluster, host) => cluster.promote(host)),
  happening('freeze HOST', (cluster, host) => cluster.freeze(host)),
  happening('thaw HOST', (cluster, host) => cluster.thaw(host)),
  happening('cut HOST from serve', (cluster, host) => cluster.cut(host)),
  happening('join HOST to serve', (cluster, host) => cluster.heal(host)),
  happening('cut HOST from replication', (cluster, host) => cluster.unlink(host)),
  happening('join HOST to replication', (cluster, host) => cluster.relink(host)),
  happening('let HOST follow OTHER', (cluster, host, other) => cluster.follow(host, other)),
  happening('rebuild HOST from OTHER', (cluster, host, other) => cluster.rebuild(host, other)),
]

/** What happens to the daemon, and what the operator orders. */
const orders: readonly Command[] = [
  command('start serve( watching HOSTS)?( with confirm SOURCE)?( REFUSING)?', (story, words) => story.start(words)),
  command('wait until calm', (story) => story.settle()),
  command('restart serve', async (story) => {
    await story.stage.strike()
    await story.raise()
  }),
  command('suspend serve', (story) => story.suspend()),
  command('wake serve', (story) => story.wake()),
  command('reload watching HOSTS', (story, words) => story.reload(listOf(words.hosts))),
  command('accept HOST', (story, {host = ''}) => story.order(({monitor}) => monitor.accept(host, operator))),
  command('drain HOST', (story, {host = ''}) => story.order(({monitor}) => monitor.drain(host, operator))),
  command('resume HOST', (story, {host = ''}) => story.order(({monitor}) => monitor.resume(host, operator))),
  command('run TIME', (story, {amount, unit}) => story.run(Number(amount) * (unit === 's' ? 1_000 : 1))),
]

function happening(form: string, act: (cluster: SimulatedCluster, host: string, other: string) => void): Command {
  return command(form, ({stage}, {host = '', other = ''}) => act(stage.cluster, host, other))
}

/** A capital word in `form` stands for a value. */
function command(form: string, act: Command['act']): Command {
  const pattern = form
    .replace('HOSTS', '(?<hosts>host\\d+(?: host\\d+)*)')
    .replace('HOST', '(?<host>host\\d+)')
    .replace('OTHER', '(?<other>host\\d+)')
    .replace('SOURCE', '(?<source>followers|majority)')
    .replace('REFUSING', '(?<refusing>refusing lossy promotions)')
    .replace('TIME', '(?<amount>\\d+)(?<unit>ms|s)')
  return {form: new RegExp(`^${pattern}$`), act}
}

/**
 * Plays a story: the whole monitor against simulated servers on a virtual clock. The random numbers
 * are seeded, so the same file always gets the same answer. Times are those since the command.
 */
class Story {
  readonly stage: Stage
  readonly #router: StoryRouter
  readonly #shown = new Map<string, string>()
  #lines: string[] = []
  #begun = 0
  #isSuspended = false
  #isUp = false

  constructor(servers: readonly string[]) {
    this.stage = new Stage({servers})
    this.stage.settings = {...this.stage.settings, stateDir: '/var/lib/pgroute66'}
    this.#router = new StoryRouter(this.stage.cluster)
  }

  /** What the system said to `line`. */
  async play(line: string): Promise<readonly string[]> {
    this.#lines = []
    this.#begun = this.stage.clock.now()
    for (const {form, act} of [...happenings, ...orders]) {
      const words = form.exec(line)
      if (words === null) continue
      await act(this, words.groups ?? {})
      // As a client that asks in this moment: a verdict may have become stale without a publication.
      if (this.#isUp && !this.#isSuspended) this.#observe(this.stage.monitor.current(), [])
      return this.#lines
    }
    throw new Error(`unknown command: ${line}`)
  }

  async start({hosts, source, refusing}: Words): Promise<void> {
    if (hosts !== undefined) this.#watch(listOf(hosts))
    const {settings} = this.stage
    const policy = {
      ...(source !== undefined && {confirm: [source]}),
      ...(refusing !== undefined && {onLossyPromotion: 'refuse' as const}),
    }
    this.stage.settings = {...settings, groups: settings.groups.map((only) => ({...only, ...policy}))}
    await this.raise()
  }

  async raise(): Promise<void> {
    await this.stage.raise()
    this.#isUp = true
    this.stage.monitor.subscribe(({snapshot, changes}) => this.#observe(snapshot, changes))
  }

  async reload(hosts: readonly string[]): Promise<void> {
    this.#watch(hosts)
    await this.stage.clock.through(this.stage.monitor.reload(this.stage.settings))
  }

  /** The way there is no part of the story: only what the daemon says in the end is shown. */
  async settle(): Promise<void> {
    await this.stage.clock.run(calmMs)
    this.#lines = []
    for (const label of ['verdict', 'why', 'pools']) this.#shown.delete(label)
  }

  async run(ms: number): Promise<void> {
    if (this.#isSuspended) return this.stage.clock.stall(ms)
    await this.stage.clock.run(ms)
    if (this.#lines.length === 0) this.#lines.push('nothing changes')
  }

  suspend(): void {
    this.#isSuspended = true
  }

  wake(): void {
    this.#isSuspended = false
  }

  async order(give: (stage: Stage) => Promise<string>): Promise<void> {
    try {
      this.#say('answer', await this.stage.clock.through(give(this.stage)))
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      this.#say('refused', `${error.code}: ${error.message}; ${error.next}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]()
  }

  #watch(names: readonly string[]): void {
    const {settings, cluster} = this.stage
    const {confirm = [], onLossyPromotion = 'tell'} = settings.groups[0] ?? {}
    const hosts = cluster.hostSettings().filter(({name}) => names.includes(name))
    this.stage.settings = {...settings, hosts, groups: [groupSettings(group, names, {confirm, onLossyPromotion})]}
  }

  /** Says what is new in `snapshot`, and lets the router follow it. */
  #observe(snapshot: Snapshot, changes: readonly Change[]): void {
    for (const {kind, host, from, to, why} of changes)
      if (kind !== 'verdict') this.#say(kind, `${host} ${from} -> ${to} (${why})`)
    const verdict = snapshot.groups[group]?.verdict
    if (verdict === undefined) throw new Error(`the snapshot has no group ${group}`)
    const {kind, rule, routedTo, primaries, why} = verdict
    const suspect = kind === 'split-brain' ? `; suspect ${suspectOf(verdict) ?? 'none'}` : ''
    this.#sayNew(
      'verdict',
      `${rule} ${kind}; routed to ${routedTo ?? 'none'}; primaries ${orNone(primaries)}${suspect}`,
    )
    this.#sayNew('why', why)
    const {writers, readers, isUnasked, commands, problems} = this.#router.follow(snapshot)
    const pools = `writers ${orNone(writers)}; readers ${orNone(readers)}`
    this.#sayNew('pools', isUnasked ? 'routers stay as they are' : pools)
    for (const each of commands) this.#say('HAProxy', each)
    if (this.#isNew('problem', problems.join())) for (const each of problems) this.#say('problem', each)
  }

  #sayNew(label: string, text: string): void {
    if (this.#isNew(label, text)) this.#say(label, text)
  }

  #isNew(label: string, text: string): boolean {
    const before = this.#shown.get(label)
    this.#shown.set(label, text)
    return before !== text
  }

  #say(label: string, text: string): void {
    const ms = Math.round(this.stage.clock.now() - this.#begun)
    this.#lines.push(`${`+${ms}ms`.padEnd(9)}${label.padEnd(9)}${text}`)
  }
}

/**
 * Plays the story in `text` and returns it with what the system said. A story is a paragraph about
 * the hazard, then commands; `#` begins a comment, and indented lines are what was said to the
 * command above. Throws where a line is none of these.
 */
export async function playStory(text: string): Promise<string> {
  const [, hazard = '', servers, rest = ''] =
    /^((?:[^#\s].*\n)+)\ncluster (host1(?: host\d+)+)\n([\s\S]*)$/.exec(text) ?? []
  if (servers === undefined) throw new Error('a story begins with a paragraph, an empty line, and "cluster host1 …"')
  await using story = new Story(listOf(servers))
  const played = [hazard, `cluster ${servers}`]
  let mayAnswer = false
  for (const line of rest.trimEnd().split('\n')) {
    const kind = /^\s/.test(line) ? 'answer' : line === '' || line.startsWith('#') ? 'comment' : 'command'
    if (kind === 'answer' && !mayAnswer) throw new Error(`no command stands above this answer: ${line}`)
    if (kind !== 'answer') played.push(line)
    if (kind === 'command') played.push(...(await story.play(line)).flatMap(wrapped))
    mayAnswer = kind !== 'comment'
  }
  return `${played.join('\n')}\n`
}

const [indent, hanging, columns] = [' '.repeat(4), ' '.repeat(22), 110]

/** Indented, with the rest of a long line below its text. */
function wrapped(line: string): readonly string[] {
  const lines: string[] = []
  let rest = indent + line
  while (rest.length > columns) {
    const end = rest.lastIndexOf(' ', columns)
    lines.push(rest.slice(0, end))
    rest = hanging + rest.slice(end + 1)
  }
  return [...lines, rest]
}
