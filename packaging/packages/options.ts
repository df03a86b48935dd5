import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'
import {repository} from '../exe/plugins.ts'
import {commandOf, runtimeFor} from '../exe/runtime.ts'

/**
 * What both package builders take: `[-- EXECUTABLE FOLDER [x64 | arm64 [quick]]]`. `quick`: with
 * little compression, for tests, because xz takes a minute.
 */
export function packageOptions(kind: 'deb' | 'rpm') {
  const [executable, folder, architecture = process.arch, speed] = process.argv.slice(2)
  const program = resolve(executable ?? join(repository, 'dist', 'exe', 'pgroute66'))
  const [first, rest] = commandOf(runtimeFor(architecture), program, [])
  const {version} = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {version: string}
  const commit = ['log', '-1', '--format=%ct']
  return {
    executable: program,
    run: [first, ...rest],
    folder: resolve(folder ?? join(repository, 'dist', kind)),
    architecture,
    isQuick: speed === 'quick',
    version,
    /** The variables by which Debian's own tools learn the maintainer. */
    maintainer: `${process.env.DEBFULLNAME ?? 'The pgroute66 authors'} <${process.env.DEBEMAIL ?? 'pgroute66@packages.invalid'}>`,
    /** Seconds since 1970: of the commit, so that two builds are the same bytes. */
    builtAt: Number(process.env.SOURCE_DATE_EPOCH ?? execFileSync('git', commit, {cwd: repository, encoding: 'utf8'})),
  }
}
