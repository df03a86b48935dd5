import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {test} from 'vitest'
import type {Package} from '../../packaging/packages/contents.ts'
import {scriptsOf} from '../../packaging/packages/scripts.ts'
import {lacks} from '../support/parts.ts'

const guard = 'pgroute66-guard.service'
const node: Package = {
  name: 'pgroute66-node',
  ...{summary: '', description: '', entries: []},
  ...{services: [], left: [guard], stopped: [guard], units: [guard]},
}

test('a removal of the guard leaves the gates shut: it says so, and names a section that is there', () => {
  const {beforeRemove} = scriptsOf(node)
  const [, section = ''] =
    /gates of this host stay shut.*guard\.md, "(.*)"/.exec(beforeRemove.replaceAll('\\', '')) ?? []
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guard.md'), 'utf8')
  assert.ok(section !== '' && page.includes(`\n## ${section}\n`), beforeRemove)
  // Without the program, the drop-in would keep PostgreSQL from starting.
  assert.match(page, /rm \/etc\/systemd\/system\/postgresql@\.service\.d\/pgroute66\.conf/)
  assert.doesNotMatch(scriptsOf({...node, left: []}).beforeRemove, /shut/)
})

test.skipIf(lacks('shellcheck'))('shellcheck reports nothing about the scripts of a package', () => {
  for (const sample of [node, {...node, services: ['pgroute66.service'], left: []}, {...node, left: [], stopped: []}])
    for (const [name, text] of Object.entries(scriptsOf(sample))) {
      const {stdout} = spawnSync('shellcheck', ['--shell=sh', '-'], {input: text, encoding: 'utf8'})
      assert.equal(stdout, '', name)
    }
})

test.skipIf(lacks('ansible-lint'))('ansible-lint reports nothing about the role', {timeout: 180_000}, () => {
  const cwd = join(import.meta.dirname, '..', '..', 'packaging', 'ansible')
  const {status, stdout, stderr} = spawnSync('ansible-lint', ['--offline', '-q'], {cwd, encoding: 'utf8'})
  assert.equal(status, 0, stdout + stderr)
})
