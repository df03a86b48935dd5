/**
 * `npm run mutate [-- NAME…]`: breaks one rule of the core or the monitor after the other, in a copy
 * of the tree, and counts the changes that a test notices. `npm run mutate -- list` names them.
 */
import {join} from 'node:path'
import {Copy, mutated, type Pace, paces} from './copy.ts'
import type {Mutation} from './mutation.ts'
import {mutations} from './mutations.ts'

/** Prints the fate of each, and the score. Returns the exit code. */
async function judge(chosen: readonly Mutation[]): Promise<number> {
  using copy = new Copy(join(import.meta.dirname, '..', '..'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      copy[Symbol.dispose]()
      process.exit(130)
    })
  // A text that has changed is found at once, and not after ten minutes.
  for (const mutation of mutations) mutated(mutation, copy.folder)
  const survivors: string[] = []
  for (const [index, mutation] of chosen.entries()) {
    const {name, rule, breaks, file} = mutation
    const noticed = await noticedBy(copy, mutation)
    if (noticed === null) survivors.push(name)
    const place = `${index + 1}/${chosen.length}`.padStart(5)
    console.log(`${noticed === null ? 'SURVIVED' : 'killed  '} ${place}  ${name}: ${breaks} (${rule})`)
    console.log(`                ${noticed ?? `no test noticed the change of src/${file}`}`)
  }
  console.log(`\nscore: ${chosen.length - survivors.length} of ${chosen.length}`)
  if (survivors.length > 0) console.log(`survivors: ${survivors.join(', ')}`)
  return survivors.length > 0 ? 1 : 0
}

/** The tests that passed on the copy as it is. */
const sound = new Set<Pace>()

/** The first test that notices the change; `null`: none does. Throws where a test fails without it. */
async function noticedBy(copy: Copy, mutation: Mutation): Promise<string | null> {
  for (const pace of paces) {
    const broken = sound.has(pace) ? null : await copy.test(pace)
    if (broken !== null) throw new Error(`a test fails without a change: ${broken}`)
    sound.add(pace)
    using _ = copy.apply(mutation)
    const noticed = await copy.test(pace)
    if (noticed !== null) return noticed
  }
  return null
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => name !== 'list' && !mutations.some((mutation) => mutation.name === name))
if (names.includes('list')) {
  for (const {name, rule, breaks} of mutations) console.log(`${name.padEnd(30)} ${rule.padEnd(15)} ${breaks}`)
} else if (unknown.length > 0) {
  console.error(`there is no mutation ${unknown.join(', ')}; "npm run mutate -- list" names them all`)
  process.exitCode = 2
} else {
  process.exitCode = await judge(mutations.filter(({name}) => names.length === 0 || names.includes(name)))
}
