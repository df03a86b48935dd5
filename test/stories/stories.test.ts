import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {playStory} from '../support/story.ts'

const stories = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.txt'))
const isUpdate = process.env.UPDATE_STORIES === '1'

test.each(stories)('%s: the system says what the story tells', async (file) => {
  const path = `${import.meta.dirname}/${file}`
  const told = readFileSync(path, 'utf8')
  const played = await playStory(told)
  if (isUpdate) writeFileSync(path, played)
  else expect(played).toBe(told)
})

test('a story is played to its end: a line that is not understood fails', async () => {
  const begin = 'A hazard.\n\ncluster host1 host2\n'
  await expect(playStory(`${begin}explode host1\n`)).rejects.toThrow('unknown command: explode host1')
  await expect(playStory(`${begin}crash host9\n`)).rejects.toThrow('no server host9')
  await expect(playStory(`${begin}start serve\n\n    +0ms  lost\n`)).rejects.toThrow('no command stands above')
  await expect(playStory('cluster host1 host2\nstart serve\n')).rejects.toThrow('begins with a paragraph')
})

test('a story is the same each time: random numbers are seeded, and the clock is virtual', async () => {
  const [first = ''] = stories
  const told = readFileSync(`${import.meta.dirname}/${first}`, 'utf8')
  expect(await playStory(told)).toBe(await playStory(told))
})
