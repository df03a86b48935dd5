/** A deliberate change to one rule: `text` of `file`, which is there once, becomes `instead`. */
export type Mutation = Readonly<{
  name: string
  /** The rule of src/core/SPEC.md. */
  rule: string
  /** The sentence of the rule that no longer holds. */
  breaks: string
  /** Below src/. */
  file: string
  text: string
  instead: string
}>
