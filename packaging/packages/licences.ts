import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {bundle} from '../exe/bundle.ts'
import {repository} from '../exe/plugins.ts'
import {runtimeFor} from '../exe/runtime.ts'

/** A part of the executable that others wrote. */
export type Part = Readonly<{
  name: string
  version: string
  /** By its SPDX name; of Node.js, which has many: `Node.js`. */
  licence: string
  /** Lines that name the holders of the copyright. */
  holders: readonly string[]
  /** Whole, with all notices. */
  text: string
}>

/** Node.js and every npm package that the bundler has put into the executable. */
export async function partsInside(architecture: string): Promise<readonly Part[]> {
  const {licence, version} = runtimeFor(architecture)
  const {packages} = await bundle()
  const node = {name: 'node', version, licence: 'Node.js', holders: holdersOf(licence).slice(0, 2), text: licence}
  return [node, ...unique(packages.map(partOf))]
}

type Manifest = Readonly<{name: string; version: string; license?: string; author?: string | {name: string}}>

function partOf(folder: string): Part {
  const place = join(repository, folder)
  const {name, version, license, author} = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as Manifest
  if (license === undefined) throw new Error(`${folder} names no licence`)
  const files = readdirSync(place).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
  const texts = files.sort().map((file) => readFileSync(join(place, file), 'utf8').trim())
  const writer = typeof author === 'string' ? author : author?.name
  if (texts.length === 0) return {name, version, licence: license, ...unwritten(name, license, writer)}
  const text = texts.join('\n\n')
  const holders = holdersOf(text)
  return {
    name,
    version,
    licence: license,
    holders: holders.length > 0 ? holders : [writer ?? `the authors of ${name}`],
    text,
  }
}

/** A package that names its licence and does not hold the text of it. */
function unwritten(name: string, license: string, writer: string | undefined): Pick<Part, 'holders' | 'text'> {
  if (license !== 'MIT') throw new Error(`${name} (${license}) has no file with its licence`)
  const [, permission = ''] = readFileSync(join(repository, 'LICENSE'), 'utf8').split(/^Copyright .*$/m)
  const holder = writer?.replace(/\s*[<(].*$/, '') ?? `the authors of ${name}`
  return {
    holders: [holder],
    text: `MIT License (named in package.json)\n\nCopyright (c) ${holder}\n\n${permission.trim()}`,
  }
}

const holdersOf = (text: string): readonly string[] => [
  ...new Set(
    [...text.matchAll(/^[\s#*/"]*Copyright (?:\(c\)|©)?[ ,]*(.*\d{4}.*|.*(?:contributors|authors).*)$/gim)]
      .map(([, holder = '']) => holder.replace(/\(c\)/i, '').trim())
      .filter((holder) => holder !== '' && !/\[yyyy\]|\{yyyy\}/.test(holder)),
  ),
]

const unique = (parts: readonly Part[]): readonly Part[] => [
  ...new Map(parts.map((part) => [`${part.name}@${part.version}`, part])).values(),
]
