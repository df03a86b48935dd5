import type {HookSettings} from '../core/actuator-settings.ts'
import type {GroupSettings, HostSettings} from '../core/settings.ts'
import {stat} from '../system/files.ts'
import {ownerOnlyFault} from '../system/owner-only.ts'
import type {ConfigFile} from './config-file.ts'
import type {Report} from './reading/report.ts'
import {isMapping, isText, type Mapping, type Node} from './reading/yaml-node.ts'

const pgpassFaults = {
  'not-a-file': 'is not a plain file, and is ignored',
  'readable-by-others': 'can be read by group or others, and is ignored',
}
const secretKeys = ['password', 'b64password', 'key', 'b64key']

/** Warns of a configuration with secrets that every user of the machine may read. */
export function warnOfReaders(file: ConfigFile, tree: Mapping, report: Report): void {
  if ((file.mode & 0o004) === 0 || !holdsSecret(tree)) return
  report.warn(
    file.path,
    'holds secrets, and every user of this machine can read it',
    'Run chmod o-r, or move the secrets to password_file and key_file.',
  )
}

/** Warns of password files that every user may read, and of a .pgpass that libpq would ignore. */
export async function warnOfPasswordFiles(hosts: readonly HostSettings[], report: Report): Promise<void> {
  const seen = new Set<string>()
  for (const {name, connection} of hosts) {
    const {password} = connection
    if (!('path' in password) || seen.has(password.path)) continue
    seen.add(password.path)
    if (password.from === 'pgpass') {
      const fault = await ownerOnlyFault(password.path)
      if (fault !== null) report.warn(password.path, pgpassFaults[fault], 'Run chmod 600, as libpq demands.')
    } else {
      await warnOfFile(password.path, `hosts.${name}.password_file`, report)
    }
  }
}

type Secrets = Readonly<{
  tokensFile: string | null
  hooks: readonly HookSettings[]
  groups: readonly Pick<GroupSettings, 'peers' | 'witness'>[]
}>

/**
 * A user who reads a token can give orders, so an open `tokens_file` is refused. A user who reads the secret
 * of a webhook can sign events.
 */
export async function warnOfSecretFiles({tokensFile, hooks, groups}: Secrets, report: Report) {
  if (tokensFile !== null) await warnOfFile(tokensFile, 'tokens_file', report, 'refuse')
  for (const [index, hook] of hooks.entries())
    if (hook.kind === 'post' && hook.secretFile !== null)
      await warnOfFile(hook.secretFile, `hooks[${index}].secret_file`, report)
  const all = groups.flatMap(({peers, witness}) => [...peers, ...(witness === null ? [] : [witness])])
  const files = all.flatMap(({url, keyFile, tokenFile}) => [
    {path: keyFile, at: `the key_file of ${url}`},
    {path: tokenFile, at: `the token_file of ${url}`},
  ])
  // Groups may share a peer.
  for (const [path, at] of new Map(files.map(({path, at}) => [path, at])))
    if (path !== null) await warnOfFile(path, at, report)
}

/** `refuse`: the daemon takes nothing from a file that every user can read. */
async function warnOfFile(path: string, at: string, report: Report, others: 'warn' | 'refuse' = 'warn'): Promise<void> {
  try {
    const found = await stat(path)
    if (!found.isFile()) report.warn(at, 'is not a plain file', 'Name the file that holds the secret.')
    else if ((found.mode & 0o004) !== 0) {
      const [what, next] = ['names a file that every user of this machine can read', `Run chmod o-r ${path}.`] as const
      if (others === 'refuse') report.refuse(at, 'CONFIG_SECRET_OPEN', what, next)
      else report.warn(at, what, next)
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    report.warn(
      at,
      `names a file that this user cannot read now (${code})`,
      'The daemon reads the file when it needs it. Create the file by then, with the right to read it.',
    )
  }
}

function holdsSecret(node: Node): boolean {
  if (isText(node)) return false
  if (!isMapping(node)) return node.some(holdsSecret)
  return [...node].some(([key, value]) => (secretKeys.includes(key) ? value !== '' : holdsSecret(value)))
}
