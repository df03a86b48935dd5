/**
 * Stops this process as Ctrl-Z does, and its children with it; resolves when the shell continues
 * it. The caller has given the terminal back before.
 */
export const stopUntilContinued = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGCONT', () => resolve())
    // To the process group, as the terminal does it: the shell gets its prompt back.
    process.kill(0, 'SIGTSTP')
  })
