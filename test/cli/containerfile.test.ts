import {readFileSync} from 'node:fs'
import {validate} from 'dockerfile-utils'
import {expect, test} from 'vitest'
import packageJson from '../../package.json' with {type: 'json'}

const packaging = (name: string) => readFileSync(new URL(`../../packaging/${name}`, import.meta.url), 'utf8')
const text = packaging('Containerfile')

/**
 * No engine builds it here: what its instructions say is checked, and that what it copies and runs
 * is there.
 */
test('the Containerfile has no fault that can be seen without building it', () => {
  expect(validate(text).map(({message, range}) => `${range.start.line + 1}: ${message}`)).toEqual([])
  const [, script = ''] = /npm run ([a-z:]+)/.exec(text) ?? []
  expect(packageJson.scripts).toHaveProperty([script])
  expect(text).toContain('/build/dist/exe/pgroute66')
  expect(text).toMatch(/^USER \d+:\d+$/m)
})

test('the image has the libraries that the Debian package depends on', () => {
  const [, depends = ''] = /'Depends: (libc6.+?)'/.exec(packaging('packages/deb.ts')) ?? []
  const libraries = depends.split(', ').filter((name) => !name.startsWith('libc6'))
  expect(libraries).not.toEqual([])
  const [, image = ''] = text.split('FROM debian:')
  const [, installed = ''] = /apt-get install ([^&]*)/.exec(image) ?? []
  expect(installed.split(/\s+/)).toEqual(expect.arrayContaining(libraries))
})

test('the check of the Containerfile notices an unknown instruction', () =>
  expect(validate(text.replace('ENTRYPOINT', 'ENTRYPIONT'))).not.toEqual([]))
