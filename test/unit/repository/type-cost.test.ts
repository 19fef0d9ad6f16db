// What agents cost the compiler of an app, in its own steps, which are the same on every machine.
import { expect, test } from 'vitest'
import { appOfAgents } from '../../../bench/types/app.ts'
import { compile } from '../../../bench/types/compile.ts'
import { linkDeclarations } from '../../../scripts/link-declarations.ts'

/** For the first agent with everything it needs, and for each further one. */
const BUDGETS = [
  { page: 'client', first: 16_000, each: 1_800 },
  { page: 'client.trpc', first: 21_500, each: 2_050 },
  { page: 'useAgentRun', first: 16_000, each: 1_750 },
] as const

test('agents cost the compiler no more than their budgets', { timeout: 600_000 }, async () => {
  await using linked = await linkDeclarations()
  for (const { page, first, each } of BUDGETS) {
    const [one, many] = [
      await compile(linked.folder, appOfAgents(1, page)),
      await compile(linked.folder, appOfAgents(51, page)),
    ]
    expect(one.instantiations, `the first agent, ${page}`).toBeLessThanOrEqual(first)
    expect((many.instantiations - one.instantiations) / 50, `each agent, ${page}`).toBeLessThanOrEqual(each)
  }
})
