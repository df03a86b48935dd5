import {OperatorError} from '../../../core/errors.ts'
import {alternative, orMapping} from '../../reading/alternative.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import type {Report} from '../../reading/report.ts'
import {choice, duration, scalar, text} from '../../reading/scalar.ts'
import {list, named, section} from '../../reading/section.ts'
import {describe, type Read, type Shape} from '../../reading/shape.ts'
import {isMapping, type Node} from '../../reading/yaml-node.ts'
import {acceptName, namesOf} from '../hosts/host-name.ts'
import {patroniShape} from './patroni.ts'
import {peerFields} from './peer-fields.ts'
import {pgafShape} from './pgaf.ts'
import {repmgrShape} from './repmgr.ts'

/** The keys that may stand at the top, for all groups, or in one group. `null`: not written here. */
export const policyFields = {
  confirm: describe(
    'what must confirm a primary: majority (makes no two daemons exclusive), followers, repmgr, pgaf, patroni, peers',
    orAbsent(list(text(''))),
  ),
  on_silent: describe(
    'what the silence of a required confirmation means; {hold: 10s} keeps its last answer',
    orMapping(
      choice(null, ['deny', 'ignore']),
      section({hold: describe('how long the last confirmation counts; less than failover_after', duration(null))}),
    ),
  ),
  on_split_brain: describe('default refuse', choice(null, ['refuse', 'follow-evidence'])),
  on_lossy_promotion: describe(
    'a standby holds WAL that the promoted primary lacks: tell it and route, or refuse until accept; default tell',
    choice(null, ['tell', 'refuse']),
  ),
  read_fallback: describe(
    'which hosts serve reads when no standby is within the limits; default primary',
    choice(null, ['primary', 'any', 'none']),
  ),
  repmgr: orAbsent(repmgrShape),
  pgaf: orAbsent(pgafShape),
  patroni: orAbsent(patroniShape),
  sustain: describe(
    'how long a primary out of reach stays routed while most hosts receive from it; default 30s, 0 for bare pairs',
    duration(null, 0),
  ),
  ...peerFields,
  failover_after: describe(
    "the HA tool's own delay before it promotes; Patroni tells its own, and a longer one is a mistake",
    duration(null),
  ),
}
export type Policy = Readonly<{[K in keyof typeof policyFields]: Read<(typeof policyFields)[K]>}>

const systemIdentifier = describe(
  'as pg_control_system() or pg_controldata shows it; default: learned',
  scalar<string | null>(
    null,
    {type: ['string', 'integer']},
    (value) => {
      if (/^\d{1,20}$/.test(value) && BigInt(value) > 0n && BigInt(value) < 2n ** 64n) return value
      throw new OperatorError(
        'CONFIG_VALUE',
        'is not a system identifier',
        'Copy the number that pg_controldata shows.',
      )
    },
    true,
  ),
)

/** With its path, to report later which entry names no host. */
const located: Shape<Readonly<{name: string; path: string}>> = {
  absent: {name: '', path: ''},
  schema: {type: 'string'},
  read: (node, path, report) => ({name: text('').read(node, path, report), path}),
}

const groupFields = section({hosts: list(located), ...policyFields, system_identifier: systemIdentifier})
export type GroupFields = Read<typeof groupFields>
export type Member = GroupFields['hosts'][number]

const listOfHosts: Shape<GroupFields> = {
  absent: groupFields.absent,
  schema: {type: 'array', items: {type: 'string'}},
  read: (node, path, report) => ({...groupFields.absent, hosts: list(located).read(node, path, report)}),
}

const isGroup = (name: string, _node: Node, path: string, report: Report) => acceptName('group', name, path, report)

export const groupsShape = describe(
  'each the hosts of one replication cluster; without groups, all hosts are one',
  named(
    alternative((node) => !isMapping(node), listOfHosts, groupFields),
    isGroup,
    namesOf('group'),
  ),
)
