import {resolve} from 'node:path'
import type {HookSettings} from '../../../core/actuator-settings.ts'
import {formatDuration} from '../../../core/duration.ts'
import {OperatorError} from '../../../core/errors.ts'
import type {VerdictKind} from '../../../core/vocabulary.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import {choice, duration, integer, scalar, text} from '../../reading/scalar.ts'
import {below, type Keys, list, section} from '../../reading/section.ts'
import {describe, type Read} from '../../reading/shape.ts'
import type {Context} from '../context.ts'
import {type Document, given, mask} from '../document.ts'
import {type GroupNames, groupNames, knownGroup} from '../groups/group-names.ts'
import type {Section} from '../section.ts'

const verdicts = [
  'primary',
  'no-primary',
  'split-brain',
  'unconfirmed',
  'starting',
] as const satisfies readonly VerdictKind[]

const hook = section(
  {
    run: describe('a command and its arguments; the event is JSON on stdin', orAbsent(list(text('')))),
    post: describe(
      'URL of a webhook; the event is sent with POST',
      scalar<string | null>(null, {type: 'string', format: 'uri'}, webhook),
    ),
    secret_file: describe('file with the secret that webhooks are signed with (HMAC-SHA256)', text(null)),
    on: describe('verdicts that the hook gets; default: all', orAbsent(list(choice('primary', verdicts)))),
    groups: describe('groups that the hook gets events of; default: all', orAbsent(list(text('')))),
    timeout: describe('for one try', duration(10_000, 10)),
    retries: describe('tries after the first one failed', integer(5, 0, 100)),
  },
  {synonyms: {command: 'run', exec: 'run', url: 'post', webhook: 'post', secret: 'secret_file'}},
)
/** For editors; `hookOf` tells it in words. */
const either = {...hook, schema: {...hook.schema, oneOf: [{required: ['run']}, {required: ['post']}]}}
const keys = {hooks: describe('commands and webhooks that get every verdict', list(either))}

/** Commands and webhooks that get the verdicts. */
export const hooksSection = {
  keys,
  settings(fields: Keys<typeof keys> & GroupNames, context: Context): {hooks: readonly HookSettings[]} {
    const names = groupNames(fields)
    return {hooks: fields.hooks.flatMap((each, index) => hookOf(each, `hooks[${index}]`, names, context))}
  },
  document: ({hooks}) => ({hooks: hooks.map(hookDocument)}),
} satisfies Section

/** No message quotes the URL: its path often is the secret of a webhook. */
function webhook(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url && /^https?:$/.test(url.protocol)) return value
  throw new OperatorError('CONFIG_VALUE', 'is not a URL', 'Write https://HOST/PATH.')
}

function hookOf(
  read: Read<typeof hook>,
  path: string,
  groups: readonly string[],
  {directory, report}: Context,
): readonly HookSettings[] {
  const {run, post} = read
  read.groups?.forEach((name, index) => {
    knownGroup(name, `${path}.groups[${index}]`, groups, report)
  })
  const common = {on: read.on, groups: read.groups, timeoutMs: read.timeout, retries: read.retries}
  const secretFile = read.secret_file && resolve(directory, read.secret_file)
  if ((run === null) === (post === null)) {
    const next = 'Write "run: [/path/of/command]" or "post: https://…".'
    if (report.isClean(path)) report.refuse(path, 'CONFIG_CONFLICT', 'needs run or post, and not both', next)
    return []
  }
  if (run !== null && (run[0] ?? '') === '') {
    const next = 'Write a list: [/usr/local/bin/page-me, --now]. It runs without a shell.'
    report.refuse(below(path, 'run'), 'CONFIG_VALUE', 'names no command', next)
    return []
  }
  if (run !== null && secretFile !== null)
    report.refuse(
      below(path, 'secret_file'),
      'CONFIG_CONFLICT',
      'is for webhooks, and this hook runs a command',
      'Remove it, or use post.',
    )
  if (run !== null) return [{...common, kind: 'run', argv: run}]
  return post === null ? [] : [{...common, kind: 'post', url: post, secretFile}]
}

function hookDocument(settings: HookSettings): Document {
  const {on, groups, timeoutMs, retries} = settings
  const common = {on, groups, timeout: formatDuration(timeoutMs), retries}
  if (settings.kind === 'run') return given({run: settings.argv, ...common})
  // The path of the URL often is the secret of a webhook.
  return given({post: `${new URL(settings.url).origin}/${mask}`, secret_file: settings.secretFile, ...common})
}
