import {defineConfig} from 'vitest/config'

const root = new URL('../..', import.meta.url)

/** For one run on a mutated copy: the files of `MUTATE_TESTS`, until the first of them fails. */
export default defineConfig({
  test: {
    root: root.pathname,
    include: process.env.MUTATE_TESTS?.split(' ') ?? [],
    bail: 1,
    maxWorkers: 2,
    // A worker for each file would take longer than the tests.
    isolate: false,
    // A mutated loop may spin without end, on a virtual clock.
    testTimeout: 300_000,
    globalSetup: './test/support/temporary.ts',
    reporters: ['./test/mutate/first-failure.ts'],
    cache: false,
  },
})
