import {readFileSync} from 'node:fs'
import {validate} from 'dockerfile-utils'
import {expect, test} from 'vitest'
import packageJson from '../../package.json' with {type: 'json'}

const text = readFileSync(new URL('../../packaging/Containerfile', import.meta.url), 'utf8')

/** No engine builds it here: what its instructions say is checked, and that what it copies and runs is there. */
test('the Containerfile has no fault that can be seen without building it', () => {
  expect(validate(text).map(({message, range}) => `${range.start.line + 1}: ${message}`)).toEqual([])
  const [, script = ''] = /npm run ([a-z:]+)/.exec(text) ?? []
  expect(packageJson.scripts).toHaveProperty([script])
  expect(text).toContain('/build/dist/exe/pgroute66')
  expect(text).toMatch(/^USER \d+:\d+$/m)
})

test('it would notice one', () => expect(validate(text.replace('ENTRYPOINT', 'ENTRYPIONT'))).not.toEqual([]))
