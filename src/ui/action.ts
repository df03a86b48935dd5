/** Something that can be done to the selected host, by a key of its own. `run` says in words what was done; its rejection is shown, not thrown. */
export type Action = Readonly<{key: string; label: string; run(host: string): Promise<string>}>

/** What the status line tells of the last action. */
export type Outcome = Readonly<{kind: 'running' | 'done' | 'failed'; text: string}>
