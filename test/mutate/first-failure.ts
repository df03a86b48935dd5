import {appendFileSync} from 'node:fs'
import type {Reporter, TestCase, TestModule} from 'vitest/node'

/** Writes to the file `MUTATE_RESULT` what fails, in the order in which it fails. */
export default class FirstFailure implements Reporter {
  onTestCaseResult(test: TestCase): void {
    if (test.result().state === 'failed') tell(`${test.module.relativeModuleId}: ${test.fullName}`)
  }

  onTestModuleEnd(module: TestModule): void {
    if (module.errors().length > 0) tell(`${module.relativeModuleId}: it cannot be loaded`)
  }

  onTestRunEnd(_: readonly TestModule[], errors: readonly unknown[]): void {
    if (errors.length > 0) tell('an error that no test caught')
  }
}

const tell = (what: string) => appendFileSync(process.env.MUTATE_RESULT ?? '/dev/stderr', `${what}\n`)
