import {spawn} from 'node:child_process'
import {Socket} from 'node:net'

/**
 * A shell that waits until this process closes the shell's input, however this process ends: also
 * by `kill -9`, which runs no handler, and at the end of a test worker, which sees no 'exit' event.
 * Then the shell kills every server with data under `folder`, and removes the folder.
 *
 * postmaster.pid outlives a crash, and another process may have its number by now. So the shell
 * kills only a process whose command line names this folder.
 */
const script = `
folder=$1
read -r _
for file in "$folder"/*/postmaster.pid; do
  [ -f "$file" ] || continue
  pid=$(sed -n 1p "$file")
  segment=$(sed -n '7s/^ *[0-9]* *//p' "$file")
  if { tr '\\0' ' ' <"/proc/$pid/cmdline" || ps -o command= -p "$pid"; } 2>/dev/null | grep -qF -- "-D $folder/"; then
    children=$(pgrep -P "$pid" 2>/dev/null || for stat in /proc/[0-9]*/stat; do
      read -r child _ _ parent _ <"$stat" && [ "$parent" = "$pid" ] && echo "$child"
    done 2>/dev/null)
    kill -9 "$pid" $children
  fi
  [ -n "$segment" ] && ipcrm -m "$segment"
done 2>/dev/null
rm -rf "$folder"
`

/** Returns a function that stops the reaper. Call it once servers and folder are gone. */
export function startReaper(folder: string): () => void {
  // In its own session, where Ctrl-C does not reach it.
  const shell = spawn('/bin/sh', ['-c', script, 'pgroute66-reaper', folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is no reaper; everything else works.
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  // A pipe to a child is a socket, whatever its type says. It must not keep this process alive.
  if (shell.stdin instanceof Socket) shell.stdin.unref()
  return () => void shell.kill('SIGKILL')
}
