import {defineConfig} from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    // Real servers are started and stopped inside the tests; a limit is there to end a hang, not to
    // measure speed.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: './test/support/temporary.ts',
    maxWorkers: 2,
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
