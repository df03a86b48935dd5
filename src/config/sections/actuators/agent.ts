import type {AgentSettings} from '../../../core/actuator-settings.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import {integer, text} from '../../reading/scalar.ts'
import {type Keys, section} from '../../reading/section.ts'
import {describe} from '../../reading/shape.ts'
import type {Section} from '../section.ts'

const keys = {
  agent: orAbsent(
    describe(
      "HAProxy's agent-check",
      section({
        bind: describe('address to listen on', text('127.0.0.1')),
        port: describe("the TCP port of HAProxy's agent-check", integer(8009, 0, 65_535)),
      }),
    ),
  ),
}

/** The TCP port that HAProxy's agent-checks connect to. */
export const agentSection = {
  keys,
  settings: ({agent}: Keys<typeof keys>): {agent: AgentSettings | null} => ({
    agent: agent && {bind: agent.bind === '*' ? '::' : agent.bind.replace(/^\[(.*)\]$/, '$1'), port: agent.port},
  }),
  document: ({agent}) => ({agent: agent && {...agent}}),
} satisfies Section
