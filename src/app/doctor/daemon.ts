import type {Config} from '../../config/config.ts'
import {fingerprint} from '../../config/printing/fingerprint.ts'
import {situationGuide} from '../../core/verdict/situation-guide.ts'
import type {WireSnapshot} from '../../protocol/snapshot-json.ts'
import {httpRequest} from '../../sources/daemon/http-request.ts'
import {ownDaemon} from '../check/own-daemon.ts'
import {type Finding, fine, found} from './findings.ts'

const limitMs = 5_000

/** The running daemon of the configuration: its version, what it works by, its verdicts and its routers. */
export type DaemonLook = Readonly<{findings: readonly Finding[]; snapshot: WireSnapshot | null}>
type Asked = Readonly<{config: Config; env: NodeJS.ProcessEnv; cwd: string; version: string}>

/** Never rejects because of the daemon. */
export async function lookAtDaemon({config, env, cwd, version}: Asked): Promise<DaemonLook> {
  const start = 'Start it ("systemctl start pgroute66", or "pgroute66 serve"), and read its log.'
  const own = await ownDaemon({config: config.path ?? undefined, env, cwd})
  if ('why' in own)
    return {
      snapshot: null,
      findings: [found('away', 'daemon', `no daemon answers for these hosts (${own.why})`, start)],
    }
  try {
    const reply = await httpRequest(own.at, {path: '/v1/snapshot', signal: AbortSignal.timeout(limitMs)})
    const snapshot = JSON.parse(reply.body) as WireSnapshot
    return {
      snapshot,
      findings: [
        fine('daemon', `version ${snapshot.version}, at ${own.name}`),
        ...selfFindings(snapshot, config, version),
        ...Object.entries(snapshot.groups).map(([name, group]) => groupFinding(name, group.verdict)),
        ...hostFindings(snapshot),
        ...actuatorFindings(snapshot),
      ],
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {snapshot: null, findings: [found('away', 'daemon', `${own.name} gave no snapshot: ${why}`, start)]}
  }
}

function selfFindings(snapshot: WireSnapshot, config: Config, version: string): readonly Finding[] {
  const file = fingerprint(config)
  const inForce = snapshot.config ?? null
  return [
    ...(snapshot.version === version
      ? []
      : [
          found(
            'note',
            'daemon',
            `it is of version ${snapshot.version}, and this command of ${version}`,
            'Restart the daemon after an upgrade.',
          ),
        ]),
    ...(inForce === null || inForce.hash === file
      ? []
      : [
          found(
            'note',
            'daemon',
            `it works by configuration ${inForce.hash}, read ${inForce.loaded_at}; the file is ${file} now`,
            'See what would change: "pgroute66 reload --dry-run".',
          ),
        ]),
    ...(snapshot.ready ? [] : [found('note', 'daemon', 'its first round is not done', 'Wait, and run this again.')]),
    ...(snapshot.maintenance
      ? [
          found(
            'note',
            'daemon',
            `maintenance since ${snapshot.maintenance.since} by ${snapshot.maintenance.by}: no router follows a switch`,
            'End it: "pgroute66 maintenance off".',
          ),
        ]
      : []),
  ]
}

function groupFinding(
  name: string,
  {kind, rule, situation = kind, why}: WireSnapshot['groups'][string]['verdict'],
): Finding {
  const about = `group ${name}`
  const says = `${situation} (${rule}): ${why}`
  const guide = Object.hasOwn(situationGuide, situation)
    ? situationGuide[situation as keyof typeof situationGuide]
    : null
  if (situation === 'healthy') return fine(about, says)
  return found(
    kind === 'primary' ? 'note' : 'away',
    about,
    says,
    guide?.next ?? 'docs/runbook.md has a section of this name.',
  )
}

const hostFindings = ({hosts}: WireSnapshot): readonly Finding[] =>
  Object.entries(hosts).flatMap(([name, {drained}]) =>
    drained === null
      ? []
      : [
          found(
            'note',
            name,
            `drained since ${drained.since} by ${drained.by}${drained.reason === null ? '' : `: ${drained.reason}`}`,
            `Put it back: "pgroute66 resume ${name}".`,
          ),
        ],
  )

const actuatorFindings = ({actuators}: WireSnapshot): readonly Finding[] =>
  Object.entries(actuators).flatMap(([name, {status, problems}]) =>
    status === 'in-sync' || status === 'planned' || status === 'frozen'
      ? []
      : [
          found(
            status === 'pending' ? 'note' : 'fix',
            `the daemon's ${name}`,
            problems.join('; ') || status,
            'docs/runbook.md, "A router is out of sync".',
          ),
        ],
  )
