import type {HeartbeatAnswer, HostDriver} from '../../src/core/ports.ts'
import {deadline} from '../../src/core/wait.ts'
import {question} from './question.ts'
import type {Wires} from './simulated-driver.ts'
import type {Backend, SimulatedServer} from './simulated-server.ts'

type Held = Readonly<{server: SimulatedServer; backend: Backend}>
const hung: HeartbeatAnswer = {kind: 'failure', cause: 'hung', detail: 'it does not commit'}

/**
 * The heartbeat over a session of its own. The session stays with the server that it was opened to,
 * wherever the name leads later, and a smart shutdown of this server waits for it.
 */
export function simulatedHeartbeat(wires: Wires): Readonly<{beat: HostDriver['heartbeat']; close(): void}> {
  const {clock, told} = wires
  let held: Held | null = null
  let closings = 0
  const close = () => {
    closings += 1
    const ended = held
    held = null
    ended?.server.leave(ended.backend)
  }
  const through = (use: (server: SimulatedServer | HeartbeatAnswer) => void) => {
    if (held !== null) return use(held.server)
    const [server, before] = [wires.server(), closings]
    server.enter((failure) => {
      if (failure !== null) return use({kind: 'failure', ...failure})
      // It was given up while the server let it in.
      if (closings !== before) return
      const backend = server.newBackend(() => {
        held = null
      })
      held = {server, backend}
      use(server)
    })
  }
  return {
    close,
    async beat({primary}, signal) {
      told.beats.push(clock.now())
      using limit = deadline(clock, wires.patienceMs(), signal)
      const answer = await question(limit.signal, hung, (settle) => {
        clock.after(wires.latencyMs(), () =>
          through((server) => {
            if ('kind' in server) return settle(server)
            if (primary) told.writes.push(clock.now())
            server.arrive(() => {
              if (server.isStorageFrozen && primary) return
              settle(primary ? {kind: 'beat'} : {kind: 'read', delayMs: 5})
            })
          }),
        )
      })
      if (answer === hung) close()
      if (primary) told.isStuck = answer === hung
      return answer
    },
  }
}
