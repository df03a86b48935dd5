/**
 * `node rejoin-killed.ts STEP WHEN -c FILE …`: `pgroute66 rejoin` that is killed when STEP "begins" or "is done".
 * Without any of the program's own ends: as by a power cut.
 */
import {runRejoin} from '../../src/app/node/rejoin/rejoin.ts'

const [step = '', when = '', config = '', ...flags] = process.argv.slice(2)
process.exitCode = await runRejoin({
  config,
  dryRun: false,
  acceptLoss: flags.includes('--accept-loss'),
  isAuto: false,
  wantsClone: flags.includes('--clone'),
  json: false,
  reached(reached, moment) {
    if (reached === step && moment === when) process.kill(process.pid, 'SIGKILL')
  },
})
