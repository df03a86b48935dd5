import type {FakeClient} from './fake-pg.ts'

/**
 * One server of a fake network. Statements take `latencyMs`; they are executed half-way, so that a
 * crash may come before the effect, or after it and before the answer.
 */
export class FakeServer {
  readonly name: string
  readonly port: number
  readonly clients = new Set<FakeClient>()
  latencyMs = 10
  isStandby = true
  isUp = true
  isFrozen = false
  /** SQLSTATE for the next logins. */
  refuses: string | null = null
  /** SQLSTATEs for the next statements, in order; `FATAL 57P01` ends the session; `null`: it succeeds. */
  script: (string | null)[] = []
  /** How many logins were under way at once, at most. */
  mostOpening = 0
  opening = 0
  executed: unknown[] = []
  /** Runs when the server thaws. */
  thawed: (() => void)[] = []

  constructor(name: string, port: number) {
    this.name = name
    this.port = port
  }

  /** Ends every connection, as `kill -9` does. */
  kill(): void {
    this.isUp = false
    this.isFrozen = false
    for (const client of [...this.clients]) client.lose(new Error('Connection terminated unexpectedly'))
    this.thawed = []
  }

  start(): void {
    this.isUp = true
  }

  freeze(): void {
    this.isFrozen = true
  }

  thaw(): void {
    this.isFrozen = false
    for (const run of this.thawed.splice(0)) run()
  }

  /** PostgreSQL 14 and later tell each session. */
  promote(): void {
    this.isStandby = false
    for (const client of this.clients) client.report('in_hot_standby', 'off')
  }

  /** A restart as a standby: no session survives it. */
  demote(): void {
    this.kill()
    this.isStandby = true
    this.start()
  }

  /** One session ends, as by pg_terminate_backend. */
  dropOne(): void {
    const [client] = this.clients
    client?.lose(new Error('Connection terminated unexpectedly'))
  }

  /** Calls `run` when the server works. */
  whenAwake(run: () => void): void {
    if (this.isFrozen) this.thawed.push(run)
    else run()
  }
}
