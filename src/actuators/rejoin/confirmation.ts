/** Who is primary among the other hosts, by their own SQL and by the peers. */
export type Confirmation = Readonly<
  | {kind: 'confirmed'; name: string; timeline: number; evidence: string}
  /** `recovery`: every other host is a standby. `stream`: with this host, those that stream from it are most. */
  | {kind: 'none'; by: 'recovery' | 'stream'; why: string}
  | {kind: 'unconfirmed'; why: string}
>

/** No standby streams from a server that is stopped: its receiver has not noticed the stop yet. */
export const countedFor = ({isRunning}: Readonly<{isRunning: boolean}>, found: Confirmation): Confirmation =>
  found.kind === 'none' && found.by === 'stream' && !isRunning
    ? {kind: 'unconfirmed', why: `${found.why}, which is stopped, so the stream has ended`}
    : found
