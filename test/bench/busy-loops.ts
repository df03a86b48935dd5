import {spawn} from 'node:child_process'

export type BusyLoops = Disposable & Readonly<{count: number}>

/**
 * Processes that take all the time that they are given, in a session of their own: as the tasks of
 * another service, beside which the kernel gives this one its share. They end with this process,
 * also where it is killed.
 */
export function busyLoops(count: number): BusyLoops {
  const spin = 'n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done'
  const loop = `while kill -0 ${process.pid} 2>/dev/null; do ${spin}; done`
  const loops = `i=0; while [ $i -lt ${count} ]; do (${loop}) & i=$((i + 1)); done; wait`
  const session = spawn('/bin/sh', ['-c', loops], {stdio: 'ignore', detached: true})
  return {
    count,
    [Symbol.dispose]() {
      if (session.pid !== undefined) process.kill(-session.pid, 'SIGKILL')
    },
  }
}
