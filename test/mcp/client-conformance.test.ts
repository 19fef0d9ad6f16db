// The protocol's own suite against the tools of MCP servers. It comes from the registry, so this is not part of `npm test`.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runSuite } from './run-suite.ts'

const CLIENT = fileURLToPath(new URL('client-of-the-suite.ts', import.meta.url))

/** The `headers` of each principal name the caller: the client asks no authorization server for a token. */
const NOT_APPLICABLE = /^auth\//

test('the client of MCP servers passes what applies of the suite', { timeout: 300_000 }, async () => {
  // All scenarios start at once.
  const args = ['--command', `${process.execPath} ${CLIENT}`, '--timeout', '200000']
  const failures = await runSuite('client', args)
  expect([...failures].filter(([scenario]) => !NOT_APPLICABLE.test(scenario))).toEqual([])
  expect([...failures.keys()].filter((scenario) => NOT_APPLICABLE.test(scenario)).length).toBeGreaterThan(20)
})
