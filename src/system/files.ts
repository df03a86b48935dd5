import * as fs from 'node:fs'
import {promisify} from 'node:util'

/**
 * The same as in node:fs/promises, which also loads readline and a folder watcher. Without them a
 * check that needs no daemon starts two milliseconds sooner.
 */
export const readFile = promisify(fs.readFile)
export const stat = promisify(fs.stat)
export const readdir = promisify(fs.readdir)
/** These work on file descriptors. */
export const [open, fstat, read, close] = [
  promisify(fs.open),
  promisify(fs.fstat),
  promisify(fs.read),
  promisify(fs.close),
]
