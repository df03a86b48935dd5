/**
 * The steps of a planned switch, as a table: what is seen decides the next phase and what is done.
 * Applied by `run.ts`. Nothing here waits, asks or acts.
 */

/**
 * `holding`: clients begin to wait, the old primary is drained. `ordered`: the HA tool switches.
 * `resuming`: the new primary is confirmed, routers let clients go on. `returning`: the switch is
 * given up, and everything is put back. `done` and `back` are ends.
 */
export type Phase = 'holding' | 'ordered' | 'resuming' | 'returning' | 'done' | 'back'

/** What the hand sees in one look. */
export type Seen = Readonly<{
  /**
   * The hold by all routers of the group. `open`: some transactions or sessions go on. `impossible`:
   * a router cannot hold clients. `ended`: the daemon holds no longer. `silent`: no daemon answers.
   */
  hold: 'held' | 'open' | 'impossible' | 'ended' | 'silent'
  tool: 'waiting' | 'running' | 'done' | 'failed'
  /** Where the verdict routes to. */
  route: 'from' | 'none' | 'other'
  /** Every router follows the verdict, and none holds clients. */
  isInStep: boolean
  isInterrupted: boolean
  /** Open transactions and sessions have had their time. */
  isDrainOver: boolean
  isDeadlineOver: boolean
  /** Some seconds after the deadline: what is not in step by then is only told. */
  isGraceOver: boolean
  /** The operator prefers cut sessions to no switch. */
  mayCut: boolean
}>

/**
 * `order`: the tool begins. `release`: the hold ends. `stop`: the hold ends, and so does a tool that
 * still runs. `rescue`: routers are put back without a daemon.
 */
export type Act = 'order' | 'release' | 'stop' | 'rescue' | null
export type Step = Readonly<{id: string; phase: Phase; act: Act; why: string}>

type Row = Readonly<{
  id: string
  from: readonly Phase[]
  when: (seen: Seen) => boolean
  to: Phase
  act: Act
  why: string
}>

/** In order: the first row of the present phase that holds. */
export const rows: readonly Row[] = [
  {
    id: 'W1',
    from: ['holding'],
    when: (s) => s.isInterrupted,
    to: 'returning',
    act: 'release',
    why: 'it was interrupted',
  },
  {
    id: 'W2',
    from: ['holding'],
    when: (s) => s.hold === 'ended',
    to: 'returning',
    act: 'release',
    why: 'the daemon no longer holds the clients',
  },
  {
    id: 'W3',
    from: ['holding'],
    when: (s) => s.hold !== 'silent' && s.route !== 'from',
    to: 'returning',
    act: 'release',
    why: 'the primary is no longer the host to write to, before the order was given',
  },
  {
    id: 'W4',
    from: ['holding'],
    when: (s) => s.hold === 'impossible',
    to: 'returning',
    act: 'release',
    why: 'a router cannot make its clients wait',
  },
  {id: 'W5', from: ['holding'], when: (s) => s.hold === 'held', to: 'ordered', act: 'order', why: 'all clients wait'},
  {
    id: 'W6',
    from: ['holding'],
    when: (s) => s.hold === 'open' && s.isDrainOver && s.mayCut,
    to: 'ordered',
    act: 'order',
    why: 'open sessions had their time, and --cut-open ends them with the old primary',
  },
  {
    id: 'W7',
    from: ['holding'],
    when: (s) => s.isDrainOver,
    to: 'returning',
    act: 'release',
    why: 'open transactions or sessions did not end in time',
  },
  {
    id: 'W8',
    from: ['ordered'],
    when: (s) => s.hold !== 'silent' && s.route === 'other',
    to: 'resuming',
    act: null,
    why: 'another host is confirmed as the primary',
  },
  {id: 'W9', from: ['ordered'], when: (s) => s.isInterrupted, to: 'returning', act: 'stop', why: 'it was interrupted'},
  {
    id: 'W10',
    from: ['ordered'],
    when: (s) => s.hold === 'ended',
    to: 'returning',
    act: 'release',
    why: 'the daemon no longer holds the clients',
  },
  {
    id: 'W11',
    from: ['ordered'],
    when: (s) => s.hold !== 'silent' && s.tool === 'failed' && s.route === 'from',
    to: 'returning',
    act: 'release',
    why: 'the tool failed, and the primary is as before',
  },
  {
    id: 'W12',
    from: ['ordered'],
    when: (s) => s.isDeadlineOver,
    to: 'returning',
    act: 'stop',
    why: 'no other host was confirmed as the primary before the deadline',
  },
  {
    id: 'W13',
    from: ['resuming'],
    when: (s) => s.hold !== 'silent' && s.isInStep,
    to: 'done',
    act: 'release',
    why: 'every router leads to the new primary',
  },
  {
    id: 'W14',
    from: ['resuming'],
    when: (s) => s.isDeadlineOver,
    to: 'returning',
    act: 'release',
    why: 'a router did not follow before the deadline',
  },
  {
    id: 'W15',
    from: ['returning'],
    when: (s) => s.hold !== 'silent' && s.isInStep && s.tool !== 'running',
    to: 'back',
    act: null,
    why: 'every router follows the verdict',
  },
  {
    id: 'W16',
    from: ['returning'],
    when: (s) => s.isDeadlineOver && s.tool === 'running',
    to: 'returning',
    act: 'stop',
    why: 'the tool still runs at the deadline',
  },
  {
    id: 'W17',
    from: ['returning'],
    when: (s) => s.hold === 'silent' && s.isDeadlineOver,
    to: 'back',
    act: 'rescue',
    why: 'no daemon answers, so this command lets the clients go on',
  },
  {
    id: 'W18',
    from: ['returning'],
    when: (s) => s.isGraceOver,
    to: 'back',
    act: null,
    why: 'a router does not follow the verdict',
  },
]

/** `null`: nothing changes, look again. */
export function nextStep(phase: Phase, seen: Seen): Step | null {
  const row = rows.find(({from, when}) => from.includes(phase) && when(seen))
  return row === undefined ? null : {id: row.id, phase: row.to, act: row.act, why: row.why}
}
