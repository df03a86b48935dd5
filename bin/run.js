#!/usr/bin/env node
// Whatever node is on the PATH reads this file first, however old: nothing in it may be newer than ECMAScript 2015.
const needed = [22, 19]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(
    `pgroute66 needs Node.js ${needed.join('.')} or newer; this is ${process.versions.node} (${process.execPath})\n`,
  )
  process.exitCode = 2
} else {
  // In a text, because import() is a syntax error to a node that ought to have got the message above.
  // biome-ignore lint/security/noGlobalEval: see above
  eval("import('../dist/app/main/entry.js')").then(
    (entry) => entry.enter(process.argv.slice(1)),
    (error) => {
      process.stderr.write(
        `pgroute66 cannot be loaded: ${error.message}\nIn a clone of the repository, run "npm run build" first.\n`,
      )
      process.exitCode = 70
    },
  )
}
