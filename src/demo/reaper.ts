import {spawn} from 'node:child_process'
import {Socket} from 'node:net'

/**
 * A shell that does nothing until our end of its input closes, however that happens: also by `kill
 * -9`, which no handler of ours survives, and at the end of a test worker, which sees no 'exit'
 * event. Then it kills every server with data under `folder`, and removes the folder.
 *
 * postmaster.pid outlives a crash, and its number may belong to somebody else by now: only a
 * process that was started on this folder is killed.
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

/** Returns what calls it off; to be used when everything is gone already. */
export function startReaper(folder: string): () => void {
  // In a session of its own, where no Ctrl-C comes.
  const shell = spawn('/bin/sh', ['-c', script, 'pgroute66-reaper', folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is no reaper, and all else works.
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  // A pipe to a child is a socket, whatever its type says; it must not keep this process alive.
  if (shell.stdin instanceof Socket) shell.stdin.unref()
  return () => void shell.kill('SIGKILL')
}
