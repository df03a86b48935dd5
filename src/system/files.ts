import * as fs from 'node:fs'
import {promisify} from 'node:util'

/**
 * As in node:fs/promises, which brings readline and a watcher of folders along: a check that needs
 * no daemon starts two milliseconds sooner without.
 */
export const readFile = promisify(fs.readFile)
export const stat = promisify(fs.stat)
/** Of file descriptors. */
export const [open, fstat, read, close] = [
  promisify(fs.open),
  promisify(fs.fstat),
  promisify(fs.read),
  promisify(fs.close),
]
