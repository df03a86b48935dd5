import assert from 'node:assert/strict'
import {test} from 'vitest'
import {AgentQuestions} from '../../src/actuators/agent/questions.ts'

test('questions are kept for a minute, and no more than a thousand of them', () => {
  const questions = new AgentQuestions()
  const note = (question: string, askedAt: number) => questions.note({client: 'lb1', question, answer: 'down', askedAt})
  note('host1 primary', 0)
  note('host2 primary', 50_000)
  assert.equal(questions.list(60_000).length, 2)
  assert.deepEqual(
    questions.list(60_001).map(({question}) => question),
    ['host2 primary'],
  )
  for (let index = 0; index < 2_000; index += 1) note(`host${index} replica`, 50_001)
  assert.equal(questions.list(50_001).length, 1_000)
})
