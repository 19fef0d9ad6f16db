import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** Ends the run's output with `N passed, N failed`, and `, N skipped` if there are any, alone on a line. */
export class CountReporter implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) count[test.result().state]++
      // A file or suite that broke outside of its tests would otherwise not be counted at all.
      if (!module.ok() && tests.every((test) => test.ok())) count.failed++
    }
    const skipped = count.skipped + count.pending
    const line = `${count.passed} passed, ${count.failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
    // After the summary of the default reporter, which writes when all have been told of the end.
    this.#vitest?.onClose(() => void process.stdout.write(`${line}\n`))
  }
}
