import type {Reporter, TestModule} from 'vitest/node'

/** Prints the closing line `N passed, N failed, N skipped`, which CI reads. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = {passed: 0, failed: 0, skipped: 0}
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const {state} = test.result()
        if (state !== 'pending') count[state] += 1
      }
      // A file that could not be loaded has no tests to count, and has failed all the same.
      if (module.errors().length > 0) count.failed += 1
    }
    count.failed += errors.length
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    process.on('exit', () => process.stdout.write(`${count.passed} passed, ${count.failed} failed${skipped}\n`))
  }
}
