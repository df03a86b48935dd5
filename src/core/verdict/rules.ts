import type {Rule, VerdictKind} from '../vocabulary.ts'

/** What a rule means to an operator. Sentences in Markdown; a command stands in backticks. */
export type RuleText = Readonly<{
  verdict: VerdictKind
  when: string
  /** Which host routers may send writes to. */
  routedTo: string
  /** What to do next. */
  next: string
}>

/**
 * The rules of `judge`, as README, SPEC, runbook and manual print them: the generator alone loads
 * this file. The first rule that holds decides.
 */
export const rules: Readonly<Record<Rule, RuleText>> = {
  V0: {
    verdict: 'starting',
    when:
      'A host of the group has neither answered nor failed since the start, a reload, or a pause of the daemon. ' +
      'Then the primary is asked once more, after all others have answered.',
    routedTo: 'none, and no reader either',
    next: 'Wait for the first round: seldom longer than `probe.connect_timeout`.',
  },
  V1: {
    verdict: 'split-brain',
    when:
      'Two hosts answered as primary at the same time. The verdict stays while one of them may still be writing: ' +
      'also while it is silent, or refuses connections without having said that it stops. Also when a standby still ' +
      'hears from the old primary, out of sight, after another host became primary.',
    routedTo: 'none; with `on_split_brain: follow-evidence`, the host that all the evidence names',
    next:
      'Stop the stale primary and rebuild it as a standby. If it is out of reach, switch it off, then run ' +
      '`pgroute66 accept HOST`.',
  },
  V2: {
    verdict: 'unconfirmed',
    when:
      'Something is ahead of the only primary in sight: a higher timeline, another host that wrote on its timeline, ' +
      'or WAL that it had, or that a standby holds, and it lacks. Or an operator overruled it.',
    routedTo: 'none',
    next:
      'Read the reason: it names the host that is ahead. Stop the primary in sight, then start that one. If its ' +
      'data may be lost, run `pgroute66 accept HOST` for the primary in sight.',
  },
  V3: {
    verdict: 'unconfirmed',
    when:
      'One host is primary, but a required confirmation is missing or denied, or no cluster has a majority of ' +
      'the hosts, or its promotion lost writes and `on_lossy_promotion` is `refuse`. Also when two hosts answered ' +
      'as primary, but not yet at overlapping times.',
    routedTo: 'none',
    next: 'Read the reason: it names the source and what the source says, or the standby that holds the writes.',
  },
  V4: {
    verdict: 'primary',
    when:
      'Exactly one host is primary, and no evidence speaks against it. Also for up to `sustain` while the daemon ' +
      'alone cannot reach it, and most hosts go on receiving from it.',
    routedTo: 'that host; none while it is drained',
    next: 'There is nothing to do, unless the reason says that the host is out of reach: repair the way to it.',
  },
  V5: {
    verdict: 'no-primary',
    when: 'No host answers as primary.',
    routedTo: 'none',
    next:
      'Promote a standby, and make sure that the old primary does not come back as primary. If a host is blind, ' +
      'correct that first.',
  },
}
