import {realpath} from 'node:fs/promises'
import {join} from 'node:path'
import {countedFor} from '../../../actuators/rejoin/confirmation.ts'
import {readLocal} from '../../../actuators/rejoin/local.ts'
import {exists, findMark, placesOf} from '../../../actuators/rejoin/places.ts'
import {isPrimary} from '../../../actuators/rejoin/state.ts'
import {loadConfig} from '../../../config/load.ts'
import {print} from '../../cli/print.ts'
import {confirmOthers} from './confirm.ts'
import {siteOf} from './rejoin.ts'

/** 0: it may start. 1: another host is the primary. 4: that cannot be told. */
export type StartExit = 0 | 1 | 4

/**
 * `check --not-deposed`: may the server of this machine start as what lies in its data directory? A standby may
 * (`standby.signal`); a primary may while no other host is one. Reads only, so any user may run it who can read the
 * data directory. Throws OperatorError.
 */
export async function runNotDeposed(path: string | undefined): Promise<StartExit> {
  const config = await loadConfig({path, env: process.env, cwd: process.cwd()})
  const {settings, host, group} = siteOf(config)
  const pgdata = await realpath(settings.pgdata).catch(() => settings.pgdata)
  const mark = await findMark(placesOf(pgdata))
  if (mark === 'unreadable' || mark?.phase === 'cloning')
    return told(1, `${host.name}: an earlier rejoin was interrupted. Run "pgroute66 rejoin" first.`)
  const local = await readLocal(settings, pgdata)
  // Only this file keeps a server in recovery. Without it, the data of a standby becomes that of a primary.
  if (await exists(join(pgdata, 'standby.signal'))) return told(0, `${host.name} may start: it is a standby.`)
  const found = countedFor(local, await confirmOthers(config, group, host))
  switch (found.kind) {
    case 'none':
      return told(0, `${host.name} may start: ${found.why}.`)
    case 'confirmed':
      return isPrimary(local)
        ? told(1, `${host.name} is deposed: ${found.evidence}. Run "pgroute66 rejoin".`)
        : told(1, `${host.name} would start as a primary: ${found.evidence}. Create standby.signal in ${pgdata}.`)
    case 'unconfirmed':
      return told(4, `it cannot be told whether ${host.name} is deposed: ${found.why}.`)
  }
}

function told(exit: StartExit, text: string): StartExit {
  print(exit === 0 ? 1 : 2, text)
  return exit
}
