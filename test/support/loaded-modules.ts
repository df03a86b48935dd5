// Loaded before a command by `--import`: at its end it appends what the command has loaded, as
// JSON, to the file that LOADED_MODULES names.
import {writeFileSync} from 'node:fs'
import {registerHooks} from 'node:module'

const known = new Set((process as unknown as {moduleLoadList: readonly string[]}).moduleLoadList)
const files: string[] = []
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(url)
    return next(url, context)
  },
})
const report = () => {
  const native = (process as unknown as {moduleLoadList: readonly string[]}).moduleLoadList.filter(
    (name) => !known.has(name),
  )
  const builtins = native
    .filter((name) => /^NativeModule (?!internal\/)/.test(name))
    .map((name) => name.slice('NativeModule '.length))
  writeFileSync(process.env.LOADED_MODULES ?? '/dev/null', JSON.stringify({files, builtins}))
}
process.on('exit', report)
// Another way to leave, which emits no `exit`.
const {execve} = process
process.execve = (...args) => {
  report()
  return execve?.apply(process, args) as never
}
