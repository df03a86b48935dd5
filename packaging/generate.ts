/**
 * The last step of `npm run generate`: writes the man page and the shells' completions from the
 * commands in the manifest, and the tables of the Markdown pages from the records in src.
 */
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {bash} from './completions/bash.ts'
import {fish} from './completions/fish.ts'
import {zsh} from './completions/zsh.ts'
import {type Manifest, manifestOf} from './manifest.ts'
import {configManual, manual} from './manual/manual.ts'
import {withTables} from './tables.ts'

const files: Readonly<Record<string, (manifest: Manifest) => string>> = {
  'manual/pgroute66.1': manual,
  'manual/pgroute66.yaml.5': configManual,
  'completions/pgroute66.bash': bash,
  'completions/_pgroute66': zsh,
  'completions/pgroute66.fish': fish,
}
const manifest = manifestOf(readFileSync(new URL('../oclif.manifest.json', import.meta.url), 'utf8'))
for (const [name, textOf] of Object.entries(files)) {
  const path = join(import.meta.dirname, name)
  mkdirSync(dirname(path), {recursive: true})
  writeFileSync(path, textOf(manifest))
}

const root = join(import.meta.dirname, '..')
const docs = readdirSync(join(root, 'docs')).map((name) => join('docs', name))
for (const page of ['README.md', 'src/core/SPEC.md', ...docs]) {
  const path = join(root, page)
  writeFileSync(path, withTables(readFileSync(path, 'utf8')))
}
