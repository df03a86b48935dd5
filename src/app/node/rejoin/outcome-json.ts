import type {Outcome} from '../../../actuators/rejoin/rejoin.ts'

/** `rejoin --json`: keys as on the wire of the API. */
export function outcomeJson({exit, why, next, plan, steps, done}: Outcome): object {
  return {
    exit,
    ok: exit === 0,
    why,
    ...(next !== '' && {next}),
    ...(plan && {
      host: plan.host,
      source: plan.source.name,
      evidence: plan.source.evidence,
      mode: plan.mode,
      clone_reason: plan.cloneReason,
      archive: plan.archive,
      fork: {timeline: plan.fork.timeline, lsn: plan.fork.lsn, end: plan.fork.loss.end},
      loss: {
        bytes: plan.fork.loss.bytes,
        commits: plan.fork.loss.commits,
        counted: plan.fork.loss.counted,
        databases: plan.fork.loss.databases.map(({oid, commits, isCounted}) => ({
          oid,
          name: oid === null ? null : (plan.source.databases.get(oid) ?? null),
          commits,
          counted: isCounted,
        })),
        last_at: plan.fork.loss.lastAt,
        doubt: plan.fork.loss.doubt,
      },
    }),
    steps: steps.map(({name, text}) => ({name, text, done: done.some((one) => one.name === name)})),
  }
}
