import type {Memory} from './group-memory.ts'

/**
 * Are they the same but for positions? Those of a primary change with every answer, and one that is a
 * few seconds old tells as well that a primary returned from an earlier day.
 */
export const isAlike = (one: Memory, other: Memory): boolean => withoutPositions(one) === withoutPositions(other)
const withoutPositions = (memory: Memory): string =>
  JSON.stringify(memory, (key, value) => (key === 'lsn' || key === 'by' ? null : value))
