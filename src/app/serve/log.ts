import {appendFileSync, openSync} from 'node:fs'
import pino from 'pino'
import type {LogSettings} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Log} from '../../core/ports.ts'
import {isStderrTheJournal} from '../../system/journal.ts'
import {plainText} from '../cli/print.ts'
import {textLine} from './log-line.ts'

export interface AppLog extends Log {
  /**
   * Called after a rotation, and when the settings have changed. Throws nothing: where the new log
   * cannot be opened, the old one stays and gets the error.
   */
  reopen(settings: LogSettings): void
  /**
   * A line about a bug that ends the process, into the log file, at once and beside what waits to be
   * written. Nothing where the log goes to standard error: the entry prints the error there.
   */
  died(error: unknown): void
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
  let {file, format} = settings
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
        ;({file, format} = next)
        void ended(before)
      } catch (error) {
        logger.error({error: (error as Error).message}, 'the new log file cannot be opened; the old log stays in use')
      }
    },
    died(error) {
      if (file === null) return
      const msg = `the daemon ends: ${error instanceof Error ? error.message : error}`
      const stack = error instanceof Error ? error.stack : undefined
      const line = JSON.stringify({level: 'error', time: new Date().toISOString(), stack, msg})
      try {
        appendFileSync(file, format === 'json' ? `${plainText(line)}\n` : textLine(line))
      } catch {
        // The disk is full, or the folder is gone: standard error has the error too.
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

/** sd-daemon(3): the journal takes the digit for the priority of the line. */
const priorities: Readonly<Record<string, string>> = {debug: '<7>', info: '<6>', warn: '<4>', error: '<3>'}

function make({level, format, file}: LogSettings, out: Destination) {
  const hasPriorities = file === null && isStderrTheJournal(process.env)
  const priorityOf = (line: string) =>
    hasPriorities ? (priorities[/"level":"(\w+)"/.exec(line)?.[1] ?? ''] ?? '') : ''
  const stream = {
    write: (line: string) => out.write(priorityOf(line) + (format === 'json' ? plainText(line) : textLine(line))),
  }
  // No pid and host name in each line: the journal adds them. The level is a word, the time ISO
  // 8601.
  return pino(
    {level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: {level: (label) => ({level: label})}},
    stream,
  )
}
