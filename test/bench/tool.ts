import {existsSync} from 'node:fs'
import {delimiter, join} from 'node:path'

/** A bench cannot run here; the others can. */
export class ToolMissing extends Error {
  constructor(tool: string, debian: string) {
    super(`${tool} is not installed: apt-get install ${debian}`)
  }
}

export const hasTool = (tool: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, tool)))
