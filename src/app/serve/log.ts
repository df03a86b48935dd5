import {openSync} from 'node:fs'
import pino from 'pino'
import type {LogSettings} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Log} from '../../core/ports.ts'
import {textLine} from './log-line.ts'

export interface AppLog extends Log {
  /**
   * After a rotation, and when the settings have changed. Throws nothing: a log that cannot be
   * opened leaves the old one in place, and says so there.
   */
  reopen(settings: LogSettings): void
  /** Resolves when what is buffered is written, or cannot be within half a second; call it last. */
  close(): Promise<void>
}

type Destination = ReturnType<typeof pino.destination>

/**
 * Throws OperatorError for a file that cannot be opened, here and only here: at the start somebody
 * is there to be told.
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
        logger.error({error: (error as Error).message}, 'the log file cannot be opened; logging goes on where it was')
      }
    },
    close: () => ended(out),
  }
}

/** Not by `flushSync`: it overtakes a write that is under way (seen: lines in the wrong order). */
function ended(out: Destination): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      // A full disk: at the exit of the process it would be tried for ever.
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
 * Opened synchronously, so that a wrong path is found now; written asynchronously, because a reader
 * that stops reading must not stop us.
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
      'Name one in a folder that is there and that this user may write to, or leave it out: then standard error is written to.'
    throw new OperatorError('LOGFILE', `logfile ${path} cannot be opened (${code})`, next)
  }
}

function make({level, format}: LogSettings, out: Destination) {
  const stream = format === 'json' ? out : {write: (line: string) => out.write(textLine(line))}
  // No pid and host name in each line: the journal adds them. The level as a word, and times as
  // people read them.
  return pino(
    {level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: {level: (label) => ({level: label})}},
    stream,
  )
}
