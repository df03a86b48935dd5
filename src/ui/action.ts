/** Something that a key does to the selected host. */
export type Action = Readonly<{
  key: string
  label: string
  /** False: it concerns no host, and `host` is empty. */
  isOfHost?: boolean
}> &
  Readonly<
    | {run: Run}
    /** The screen asks the reader before it runs this. */
    | {question(host: string): Readonly<{text: string; run: () => Promise<string>}>}
  >

/** Resolves with a sentence that says what was done. The screen shows a rejection. */
type Run = (host: string) => Promise<string>

/** What the status line shows about the last action. */
export type Outcome = Readonly<{kind: 'asking' | 'running' | 'done' | 'failed'; text: string}>
