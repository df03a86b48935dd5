import {fileURLToPath} from 'node:url'
import {Config} from '@oclif/core'

/**
 * The commands, as oclif finds them: the manifest, and one file per command beside it. In the single
 * executable packaging/exe/commands.ts stands in for this file.
 */
export const loadCommands = (): Promise<Config> =>
  Config.load({root: fileURLToPath(new URL('../../..', import.meta.url))})
