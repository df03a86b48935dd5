/** What became of the order. `unknown`: it may still be carried out. */
export type ToolEnd = Readonly<{kind: 'done' | 'failed' | 'unknown'; text: string}>

/** The old and the new primary; `to` null: the HA tool chooses. */
export type Move = Readonly<{group: string; from: string; to: string | null}>

/** What makes another host the primary. */
export interface Tool {
  /** For the plan that is shown: `Patroni, by http://10.0.0.1:8008`. */
  readonly about: string
  /** Gives the order once. Never rejects; resolves soon after `signal` aborts, which stops it. */
  run(move: Move, signal: AbortSignal): Promise<ToolEnd>
  /** Called after a switch that was given up: what was ordered shall not happen later. */
  withdraw?(): Promise<string>
}
