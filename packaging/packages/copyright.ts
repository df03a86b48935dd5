import type {Part} from './licences.ts'

/**
 * The file `copyright` of a Debian package (DEP-5, copyright-format 1.0): this project, and each
 * part of the executable with its own licence, whole.
 */
export function copyrightOf(licence: string, parts: readonly Part[]): string {
  const own = stanza('*', ['The pgroute66 authors'], 'Expat', licence)
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: pgroute66\n' +
      'Comment: usr/bin/pgroute66 is one file. The paths below are those of its parts before they are joined.',
    own,
    ...parts.map(({name, version, licence: kind, holders, text}) =>
      stanza(name === 'node' ? 'node/*' : `node_modules/${name}-${version}/*`, holders, shortName(kind, name), text),
    ),
  ]
    .join('\n\n')
    .concat('\n')
}

/** What RPM and other readers get: the same, as plain text. */
export const noticesOf = (parts: readonly Part[]): string =>
  [
    'usr/bin/pgroute66 holds the following parts, each under its own licence.',
    ...parts.map(
      ({name, version, licence, text}) => `${'='.repeat(78)}\n${name} ${version} (${licence})\n\n${text.trim()}`,
    ),
    '',
  ].join('\n\n')

/** SPDX expression of everything in the executable. */
export const licencesOf = (parts: readonly Part[]): string =>
  [...new Set(['MIT', ...parts.map(({licence}) => licence).filter((name) => name !== 'Node.js')])].sort().join(' AND ')

/** Each text is the one of its part, so it has a name of its own. */
const shortName = (licence: string, name: string): string =>
  `${licence === 'MIT' ? 'Expat' : licence}~${name.replaceAll(/[^A-Za-z0-9.+-]+/g, '-').replace(/^-/, '')}`

const stanza = (files: string, holders: readonly string[], licence: string, text: string): string =>
  [`Files: ${files}`, `Copyright: ${holders.join('\n           ')}`, `License: ${licence}`, indented(text)].join('\n')

const indented = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n')
