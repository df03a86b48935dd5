import {enter} from '../../src/app/main/entry.ts'

// Like bin/run.js. In a single executable node puts the name that it was called by where a script's
// path would be.
enter(process.argv.slice(1))
