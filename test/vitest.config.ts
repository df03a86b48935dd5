import {existsSync} from 'node:fs'
import {defineConfig} from 'vitest/config'

const root = new URL('..', import.meta.url)

/**
 * Tests about limits: of time, of what a hang may cost, of load, of thousands of clients. They run
 * one file at a time, after all others, so that a busy neighbour is not measured.
 */
const serial = [
  'test/api/authorisation.test.ts',
  'test/api/events.test.ts',
  'test/api/listeners.test.ts',
  'test/api/malformed.test.ts',
  'test/api/tls.test.ts',
  'test/cli/check.test.ts',
  'test/cli/deadline.test.ts',
  'test/cli/fast-check.test.ts',
  'test/cli/other-daemon.test.ts',
  'test/packaging/booted.test.ts',
  'test/sources/pg-heartbeat.test.ts',
  'test/sources/pg-knock.test.ts',
  'test/sources/pg-unreachable.test.ts',
]
const missing = serial.filter((file) => !existsSync(new URL(file, root)))
if (missing.length > 0) throw new Error(`test/vitest.config.ts lists files that do not exist: ${missing.join(', ')}`)

export default defineConfig({
  test: {
    root: root.pathname,
    // Real servers are started and stopped inside the tests; a limit is there to end a hang, not to
    // measure speed.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    globalSetup: './test/support/temporary.ts',
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'parallel',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['**/node_modules/**', ...serial],
          maxWorkers: 2,
          sequence: {groupOrder: 1},
        },
      },
      {
        extends: true,
        test: {name: 'serial', include: serial, maxWorkers: 1, sequence: {groupOrder: 2}},
      },
    ],
  },
})
