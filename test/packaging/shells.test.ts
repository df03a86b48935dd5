import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, test} from 'vitest'
import {bash} from '../../packaging/completions/bash.ts'
import {fish} from '../../packaging/completions/fish.ts'
import {zsh} from '../../packaging/completions/zsh.ts'
import {manifestOf} from '../../packaging/manifest.ts'
import {configManual, manual} from '../../packaging/manual/manual.ts'
import {lacks} from '../support/parts.ts'

const root = join(import.meta.dirname, '..', '..')
const at = (name: string) => join(root, 'packaging', name)
const manifest = manifestOf(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'))
const output = (program: string, ...args: string[]) =>
  execFileSync(program, args, {
    encoding: 'utf8',
    env: {...process.env, PATH: `${bin}:${process.env.PATH}`, TERM: 'dumb'},
  })

test('completions and manual are up to date: else run "npm run generate"', () => {
  const files = {'completions/pgroute66.bash': bash, 'completions/_pgroute66': zsh, 'completions/pgroute66.fish': fish}
  for (const [name, textOf] of Object.entries({
    ...files,
    'manual/pgroute66.1': manual,
    'manual/pgroute66.yaml.5': configManual,
  }))
    assert.equal(readFileSync(at(name), 'utf8'), textOf(manifest), name)
})

test.skipIf(lacks('shellcheck'))('shellcheck reports nothing about the completion and the scripts', () => {
  const files = ['packaging/completions/pgroute66.bash', 'test/packaging/rpm-root.sh', '.ci/run']
  // SC2207: COMPREPLY is an array of the words that compgen prints.
  assert.equal(output('shellcheck', '--shell=bash', '--exclude=SC2207', ...files.map((name) => join(root, name))), '')
})

test.skipIf(lacks('mandoc'))('mandoc reports nothing about the manual, and shows every command and flag', () => {
  for (const page of ['pgroute66.1', 'pgroute66.yaml.5'])
    assert.equal(output('mandoc', '-Tlint', at(`manual/${page}`)), '')
  // Bold is a letter, a backspace and the letter again.
  const printed = output('mandoc', '-Tascii', '-Owidth=1000', at('manual/pgroute66.1')).split('\b')
  const page = printed.map((part, index) => (index < printed.length - 1 ? part.slice(0, -1) : part)).join('')
  for (const {words, flags} of manifest) {
    assert.ok(page.includes(`\n   ${words.join(' ')}\n`), words.join(' '))
    for (const {name} of flags) assert.ok(page.includes(`--${name}`), name)
  }
})

/** What each shell offers after these words. The last word is still being typed. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', ['check', 'config', 'haproxy', 'serve', 'watch'], ['schema', 'push']],
  ['config ', ['check', 'schema', 'show'], ['serve']],
  ['ch', ['check'], ['serve']],
  ['check --r', ['--role'], ['--json', '--style']],
  ['check --role ', ['primary', 'standby', 'read-only', 'any'], ['push']],
  ['config show --', ['--config', '--json'], ['--role']],
  ['haproxy config --style ', ['push', 'agent', 'httpchk', 'external'], ['primary']],
  ['maintenance ', ['on', 'off'], ['check']],
  ['drain ', ['db-one', 'db-two'], ['serve']],
  ['drain db-t', ['db-two'], ['db-one']],
  ['compare db-one ', ['db-two'], ['serve']],
  ['instances ad', ['adopt'], ['serve']],
  ['serve --', ['--config'], ['db-one']],
]

/** A program in PATH that knows two hosts, as one with a configuration does. */
const bin = mkdtempSync(join(tmpdir(), 'pgroute66-shells-'))
const shim = '[ "$*" = "config show --hosts" ] && printf "db-one\\ndb-two\\n"'
writeFileSync(join(bin, 'pgroute66'), `#!/bin/sh\n${shim}\n`, {mode: 0o755})
afterAll(() => rmSync(bin, {recursive: true}))

const inBash = (line: string) => {
  const script =
    `. ${at('completions/pgroute66.bash')}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ` +
    `_pgroute66; printf '%s\\n' "\${COMPREPLY[@]}"`
  return output('bash', '-c', script, 'bash', 'pgroute66', ...line.split(' ')).split('\n')
}
const inFish = (line: string) =>
  output('fish', '--no-config', '-c', `source ${at('completions/pgroute66.fish')}; complete -C 'pgroute66 ${line}'`)
    .split('\n')
    .map((found) => found.split('\t')[0] ?? '')

test.each(cases)('bash, after "pgroute66 %s"', (line, offered, others) => {
  const found = inBash(line)
  for (const word of offered) assert.ok(found.includes(word), `${word} is not among ${found}`)
  for (const word of others) assert.ok(!found.includes(word), `${word} is among ${found}`)
})

test('bash: a word that is a command and begins others offers both', () => {
  const found = inBash('instances ')
  for (const word of ['adopt', '--json']) assert.ok(found.includes(word), `${word} is not among ${found}`)
})

test.skipIf(lacks('fish')).each(cases)('fish, after "pgroute66 %s"', (line, offered, others) => {
  const found = inFish(line)
  for (const word of offered) assert.ok(found.includes(word), `${word} is not among ${found}`)
  for (const word of others) assert.ok(!found.includes(word), `${word} is among ${found}`)
})

/**
 * zsh completes on a terminal only. Its own zpty makes one; the result is what the terminal shows
 * after two tabs.
 */
const inZsh = (line: string, offered: readonly string[]) => {
  const isAll = offered.map((word) => `$shown == *${word}*`).join(' && ')
  // One line: zsh prints a prompt after each.
  const setUp = [
    'PS1=',
    'unsetopt zle_bracketed_paste',
    'LISTMAX=1000',
    "zstyle ':completion:*' list-grouped no",
    `fpath=(${at('completions')} \\$fpath)`,
    'autoload -Uz compinit',
    'compinit -D',
    '_comps[pgroute66]=_pgroute66',
    'autoload -Uz _pgroute66',
    'print READY',
  ]
  const script = `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "${setUp.join('; ')}"
zpty -r z start '*READY*READY*'
zpty -w -n z "pgroute66 ${line}"$'\\t\\t'
repeat 400; do
  while zpty -r -t z more; do shown+=$more; done
  [[ ${isAll} ]] && break
  sleep 0.1
done
print -r -- "$shown"
zpty -d z`
  return output('zsh', '-fc', script)
}
test.skipIf(lacks('zsh'))('zsh reports no syntax error', () => {
  assert.equal(output('zsh', '-n', at('completions/_pgroute66')), '')
})
test.skipIf(lacks('zsh')).each(cases)('zsh, after "pgroute66 %s"', (line, offered, others) => {
  const shown = inZsh(line, offered)
  for (const word of offered) assert.ok(shown.includes(word), `${word} is not in ${shown}`)
  for (const word of others) assert.ok(!shown.includes(`${word} `), `${word} is in ${shown}`)
})
