import type {HostTrial} from '../../sources/pg/connection-test.ts'

/** `150004` → 15.4: PostgreSQL numbers its versions like this since version 10. */
export const version = (number: number) => `${Math.floor(number / 10_000)}.${number % 10_000}`

/** One line per host, and below it one per remark. */
export function trialText(trials: readonly HostTrial[]): string {
  const width = Math.max(...trials.map(({host}) => host.length))
  const lines = trials.flatMap((trial) => {
    const name = trial.host.padEnd(width)
    const facts =
      trial.kind === 'failed'
        ? [`unavailable (${trial.cause}): ${trial.detail}`]
        : [
            trial.role,
            `PostgreSQL ${version(trial.serverVersion)}`,
            `timeline ${trial.timeline ?? 'unknown'}`,
            `system identifier ${trial.systemIdentifier ?? 'unknown'}`,
          ]
    return [`${name}  ${facts.join(', ')}`, ...trial.remarks.map((remark) => `${' '.repeat(width)}  ${remark}`)]
  })
  return lines.join('\n')
}

/** Every host was reached, and none has a remark. */
export const isFine = (trials: readonly HostTrial[]): boolean =>
  trials.every(({kind, remarks}) => kind === 'reached' && remarks.length === 0)
