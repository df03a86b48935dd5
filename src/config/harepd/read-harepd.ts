import {dirname, resolve} from 'node:path'
import type {Warning} from '../config.ts'
import {type ConfigFile, readConfigFile} from '../config-file.ts'
import {located} from '../load.ts'
import {ConfigError} from '../reading/problem.ts'
import {Report} from '../reading/report.ts'
import {parseYaml} from '../reading/yaml.ts'
import {type HarepdFile, harepdFile, harepdShape} from './harepd-file.ts'

export type HarepdRead = Readonly<{path: string; file: HarepdFile; warnings: readonly Warning[]}>

/** harepd's default of `-f`. */
export const usualHarepdFile = 'conf.yaml'

/**
 * harepd's configuration file, as harepd reads it. Rejects with OperatorError; where the content is
 * wrong, or would be read otherwise than it looks, with a ConfigError that holds all problems.
 */
export async function readHarepd(path: string, cwd: string): Promise<HarepdRead> {
  return await harepdOf(await readConfigFile(resolve(cwd, path)))
}

export async function harepdOf({path, text}: Pick<ConfigFile, 'path' | 'text'>): Promise<HarepdRead> {
  const report = new Report()
  const fields = harepdShape.read(await parseYaml(text, path), '', report)
  const file = harepdFile(fields, {directory: dirname(path), report})
  if (file === null || report.problems.length > 0) throw new ConfigError(path, await located(report.problems, text))
  return {path, file, warnings: report.warnings}
}
