import {openSync} from 'node:fs'
import pino from 'pino'
import type {LogSettings} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Log} from '../../core/ports.ts'
import {plainText} from '../cli/print.ts'
import {textLine} from './log-line.ts'

export interface AppLog extends Log {
  /**
   * Called after a rotation, and when the settings have changed. Throws nothing: where the new log
   * cannot be opened, the old one stays and gets the error.
   */
  reopen(settings: LogSettings): void
  /** Resolves when the buffer is written, or after half a second without success. Call it last. */
  close(): Promise<void>
}

type Destination = ReturnType<typeof pino.destination>

/**
 * Throws OperatorError for a file that cannot be opened. Only this first opening throws: an
 * operator who starts the daemon sees the error.
 */
export function openLog(settings: LogSettings): AppLog {
  let out = open(settings)
  let logger = make(settings, out)
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    reopen(next) {
      try {
        const opened = open(next)
        const before = out
        out = opened
        logger = make(next, opened)
        void ended(before)
      } catch (error) {
        logger.error({error: (error as Error).message}, 'the new log file cannot be opened; the old log stays in use')
      }
    },
    close: () => ended(out),
  }
}

/** Not by `flushSync`, which overtakes a write in progress (seen: lines in the wrong order). */
function ended(out: Destination): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      // The disk is full. Without this, the exit of the process would retry for ever.
      out.destroy()
      resolve()
    }, 500)
    out.once('close', () => {
      clearTimeout(limit)
      resolve()
    })
    out.end()
  })
}

/**
 * Opened synchronously, so that a wrong path is found now. Written asynchronously, because a reader
 * that stops reading must not stop the daemon.
 */
function open({file}: LogSettings): Destination {
  const out = pino.destination({dest: file === null ? 2 : openFile(file), sync: false})
  out.on('error', () => {})
  return out
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o640)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const next =
      'Name a file in an existing folder that this user may write to. Without logfile the log goes to standard error.'
    throw new OperatorError('LOGFILE', `logfile ${path} cannot be opened (${code})`, next)
  }
}

function make({level, format}: LogSettings, out: Destination) {
  const stream = {write: (line: string) => out.write(format === 'json' ? plainText(line) : textLine(line))}
  // No pid and host name in each line: the journal adds them. The level is a word, the time ISO
  // 8601.
  return pino(
    {level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: {level: (label) => ({level: label})}},
    stream,
  )
}
