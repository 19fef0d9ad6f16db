import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** Ends the output with a line of its own: `N passed, N failed`, and `, N skipped` if there are any. */
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
      // Otherwise a file or suite that failed outside of its tests would not count.
      if (!module.ok() && tests.every((test) => test.ok())) count.failed++
    }
    const skipped = count.skipped + count.pending
    const line = `${count.passed} passed, ${count.failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
    // Written after the summary of the default reporter, which comes when all reporters know of the end.
    this.#vitest?.onClose(() => void process.stdout.write(`${line}\n`))
  }
}
