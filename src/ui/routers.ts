import type {AgentAsked, Router, RouterDatabase, RouterServer} from '../core/router.ts'
import type {ActuatorState} from '../core/snapshot.ts'
import {ageText, spanText} from '../core/words/age.ts'
import type {Frame} from './frame.ts'
import {printable, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {cut, type Line, line, type Span, type Tone} from './text/line.ts'

type Look = Readonly<{width: number; glyphs: Glyphs}>

/** One line for each backend, database, agent and hook, cut at the right edge. */
export function routerPane(frame: Frame, look: Look): readonly Line[] {
  return (frame.routers ?? []).flatMap((router) => {
    const items = itemsOf(router, look.glyphs)
    return [headOf(router, frame), ...items].map((item) => cut(item, look.width, look.glyphs.more))
  })
}

/** What an agent or a hook has to say fits on the line of its name. */
function headOf(router: Router, frame: Frame): Line {
  const name: Line = [...line(printable(router.name), 'strong'), ...line(' '), statusOf(router, frame)]
  if (router.kind === 'agent') return [...name, ...line(`  ${askedText(router.questions, frame.wall)}`)]
  if (router.kind !== 'hook') return name
  const {waiting, lost} = router
  const text = `${count(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'}${lost === 0 ? '' : `, ${lost} lost`}`
  return [...name, ...line(`  ${text}`, waiting + lost > 0 ? 'warn' : 'plain')]
}

function askedText(questions: readonly AgentAsked[], wall: number): string {
  if (questions.length === 0) return 'no question within a minute'
  const clients = new Set(questions.map(({client}) => client)).size
  const last = Math.max(...questions.map(({askedAt}) => askedAt))
  const from = `from ${count(clients, 'address', 'addresses')}`
  return `${count(questions.length, 'question')} ${from}, the last ${spanText(Math.max(0, wall - last))} ago`
}

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`

/** The same with every problem and question, wrapped. */
export function routerLines(frame: Frame, look: Look): readonly Line[] {
  const {routers} = frame
  if (routers === null) return [line('this screen asks the hosts itself, and knows no routers: use a daemon', 'faint')]
  if (routers.length === 0) return [line('the daemon has no routers and no hooks', 'faint')]
  return routers.flatMap((router) => {
    const problems = frame.snapshot.actuators[router.name]?.problems ?? []
    return [
      ...wrapped(headOf(router, frame), look),
      ...problems.flatMap((problem) => wrapped([...line(`  ${printable(problem)}`, 'bad')], look)),
      ...itemsOf(router, look.glyphs).flatMap((item) => wrapped(item, look)),
      ...(router.kind === 'agent' ? questionLines(router, frame, look) : []),
      [],
    ]
  })
}

const tones: Readonly<Record<ActuatorState['status'], Tone>> = {
  'in-sync': 'good',
  'out-of-sync': 'bad',
  pending: 'warn',
  planned: 'warn',
  frozen: 'warn',
}

function statusOf(router: Router, {snapshot, wall}: Frame): Span {
  if (router.kind === 'agent') return {text: 'answers', tone: 'good'}
  const status = snapshot.actuators[router.name]?.status ?? 'pending'
  const readAt = 'readAt' in router ? router.readAt : null
  const age = readAt === null || status === 'in-sync' ? '' : `, read ${ageText(wall - readAt)} ago`
  return {text: `${status}${age}`, tone: tones[status]}
}

function itemsOf(router: Router, glyphs: Glyphs): readonly Line[] {
  if (router.kind === 'haproxy') return backendLines(router.servers, glyphs)
  if (router.kind !== 'pgbouncer') return []
  const widest = Math.max(0, ...router.databases.map(({name}) => printable(name).length))
  return router.databases.map((database) => databaseLine(database, widest, glyphs))
}

function backendLines(servers: readonly RouterServer[], glyphs: Glyphs): readonly Line[] {
  const widest = Math.max(0, ...servers.map(({backend}) => printable(backend).length))
  return [...Map.groupBy(servers, ({backend}) => backend)].map(([backend, members]): Line => {
    const role = members[0]?.role ?? ''
    const spans = members.flatMap((server, index): Span[] => [
      ...line(index === 0 ? '' : ` ${glyphs.dot} `, 'faint'),
      serverSpan(server),
    ])
    return [...line(`  ${printable(backend).padEnd(widest)}  ${role.padEnd(9)} `), ...spans]
  })
}

function serverSpan({server, host, role, state, sessions}: RouterServer): Span {
  const other = host === null ? ' (no host)' : host === server ? '' : ` (${host})`
  const open = sessions > 0 || state === 'up' ? ` ${sessions}` : ''
  const tone: Tone = state === 'up' ? (role === 'primary' ? 'good' : 'strong') : state === 'maint' ? 'faint' : 'warn'
  return {text: printable(`${server}${other} ${state}${open}`), tone}
}

function databaseLine({name, role, hosts, leadsTo, ...rest}: RouterDatabase, widest: number, {arrow}: Glyphs): Line {
  const to = leadsTo === null ? 'nowhere' : hosts.join(', ') || `${leadsTo.host}:${leadsTo.port} (no host)`
  const isWell = hosts.length > 0 && rest.paused === null && !rest.isDisabled
  const more = [
    ...(rest.paused === null ? [] : [`paused by ${rest.paused.by}`]),
    ...(rest.isDisabled ? ['disabled'] : []),
    ...(rest.connections === null ? [] : [count(rest.connections, 'connection')]),
  ]
  return [
    ...line(`  ${printable(name).padEnd(widest)}  ${role.padEnd(9)} ${arrow} `),
    {text: printable(to), tone: isWell ? 'good' : 'warn'},
    ...line(more.length === 0 ? '' : `  ${more.join(', ')}`, isWell ? 'faint' : 'warn'),
  ]
}

function questionLines({questions}: Extract<Router, {kind: 'agent'}>, {wall}: Frame, look: Look): readonly Line[] {
  return questions.flatMap(({client, question, answer, askedAt}) => {
    const ago = spanText(Math.max(0, wall - askedAt))
    const text = `  ${client}: ${question} ${look.glyphs.arrow} ${answer || 'as it is'}, ${ago} ago`
    return wrapped(line(printable(text)), look)
  })
}

/** Breaks a line at spaces; a broken line keeps the tone of its longest span. */
function wrapped(spans: Line, {width}: Look): readonly Line[] {
  const text = spans.map((span) => span.text).join('')
  if (text.length <= width) return [spans]
  const tone = spans.toSorted((a, b) => b.text.length - a.text.length)[0]?.tone ?? 'plain'
  return wrap(text.trimStart(), Math.max(1, width - 4)).map((part, index) =>
    line(`${index === 0 ? '  ' : '    '}${part}`, tone),
  )
}
