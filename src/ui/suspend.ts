/** A process that was stopped runs no timer: this one ends when it is continued, or was never stopped. */
const stoppedMs = 100

/**
 * Stops this process as Ctrl-Z does, and its children with it; resolves when the shell continues
 * it. Without a shell to continue it, as with `ssh -t HOST pgroute66 watch`, the kernel does not stop
 * it (POSIX: an orphaned process group). The caller has given the terminal back before.
 */
export const stopUntilContinued = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, stoppedMs)
    // To the process group, as the terminal does it: the shell gets its prompt back.
    process.kill(0, 'SIGTSTP')
  })
