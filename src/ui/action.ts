/** Something that can be done to the selected host, by a key of its own. */
export type Action = Readonly<{key: string; label: string}> &
  Readonly<
    | {run: Run}
    /** It is asked first. */
    | {question(host: string): Readonly<{text: string; run: () => Promise<string>}>}
  >

/** Says in words what was done; its rejection is shown, not thrown. */
type Run = (host: string) => Promise<string>

/** What the status line tells of the last action. */
export type Outcome = Readonly<{kind: 'asking' | 'running' | 'done' | 'failed'; text: string}>
