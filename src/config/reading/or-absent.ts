import type {Shape} from './shape.ts'

/**
 * `null` when the key is not there: "not said" must differ from "none". `confirm: []` in a group
 * takes the general confirmations away.
 */
export const orAbsent = <T>(shape: Shape<T>): Shape<T | null> => ({
  absent: null,
  schema: shape.schema,
  read: shape.read,
})
