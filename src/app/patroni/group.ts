import type {Config} from '../../config/config.ts'
import {isWithoutFile} from '../../config/config-file.ts'
import {loadConfig} from '../../config/load.ts'
import {OperatorError} from '../../core/errors.ts'
import type {GroupSettings, PatroniSettings} from '../../core/settings.ts'

export type PatroniGroup = Readonly<{config: Config; group: GroupSettings; patroni: PatroniSettings}>

/**
 * The group whose Patroni is meant: the named one, or the only one with `patroni`. Throws
 * OperatorError where there is none.
 */
export async function patroniGroup(path: string | undefined, name: string | undefined): Promise<PatroniGroup> {
  const config = await loadConfig({path, env: process.env, cwd: process.cwd()}).catch((error: unknown) => {
    if (path !== undefined || name !== undefined || !isWithoutFile(error)) throw error
    const next = 'Add --url http://HOST:8008, or --etcd and --scope, or -c FILE.'
    throw new OperatorError('USAGE', 'no cluster is named', next, {cause: error})
  })
  const known = config.groups.flatMap((group) =>
    group.patroni === null ? [] : [{config, group, patroni: group.patroni}],
  )
  const meant = name === undefined ? known : known.filter(({group}) => group.name === name)
  const [first, second] = meant
  if (first !== undefined && second === undefined) return first
  const names = known.map(({group}) => group.name).join(', ')
  if (first === undefined) {
    const what = name === undefined ? 'no group of the configuration has' : `there is no group "${name}" with`
    const next =
      names === '' ? 'Add --url http://HOST:8008, or patroni: to the configuration.' : `Groups with it: ${names}.`
    throw new OperatorError('USAGE_GROUP', `${what} patroni`, next)
  }
  throw new OperatorError('USAGE_GROUP', `several groups have patroni: ${names}`, 'Add --group NAME.')
}
