import {expect, test} from 'vitest'
import {machineId} from '../../src/system/machine-id.ts'

const id = 'b1946ac92492d2347c6235b4d2611184'
const absent = (): string => {
  throw new Error('ENOENT')
}

test('machines are told apart, and the identifier of the machine stays secret', () => {
  const one = machineId(() => `${id}\n`)
  expect(one).toMatch(/^[0-9a-f]{32}$/)
  expect(one).not.toBe(id)
  expect(machineId(() => id)).toBe(one)
  expect(machineId(() => id.replace('b', 'c'))).not.toBe(one)
})

test('the second place counts where the first one has no identifier', () => {
  const read = (first: string) => (path: string) => (path === '/etc/machine-id' ? first : id)
  for (const first of ['', 'uninitialized\n', '0'.repeat(32), 'x'.repeat(32)])
    expect(machineId(read(first)), first).toBe(machineId(() => id))
})

test('a machine without an identifier has none', () => {
  expect(machineId(absent)).toBeNull()
  expect(machineId(() => '')).toBeNull()
})
