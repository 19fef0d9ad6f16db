// What it costs to ask for events that one may not see.
import { expect, test } from 'vitest'
import type { HistoryMessage } from '../../../../server/contract/message.ts'
import type { RunSummary } from '../../../../server/contract/run.ts'
import { createFindBrokenOff } from '../../../../server/domain/broken-off.ts'
import { createFindShownRuns } from '../../../../server/domain/shown-runs.ts'
import { createWithReasoning } from '../../../../server/domain/with-reasoning.ts'

const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
const DEBUG = { includeDebug: true, includeAll: false }
const SETTINGS = { debugMode: false, visibility: 'debug' } as const
const message = (runId: string) =>
  ({ id: `said by ${runId}`, runId, role: 'assistant', content: 'Hi' }) as unknown as HistoryMessage

/** A store that notes what is read of the events of runs, and a policy that allows some. */
function createScene(allowed: readonly string[]) {
  const read: string[] = []
  const asked: string[] = []
  const store = {
    readSummaries: async (_: unknown, runIds: readonly string[]) =>
      runIds.map((id) => ({ id, agentKey: 'agent', status: 'failed' }) as RunSummary),
    readReasoning: async (_: unknown, messages: readonly { runId: string }[]) => {
      read.push(...messages.map(({ runId }) => runId))
      return []
    },
    readBrokenOff: async (_: unknown, runIds: readonly string[]) => {
      read.push(...runIds)
      return []
    },
  }
  const access = {
    reach: async () => ({ ...ADA, scope: 'own' as const }),
    may: async (_: unknown, __: unknown, resource: unknown) => {
      const { id } = (resource as { run: RunSummary }).run
      asked.push(id)
      return allowed.includes(id)
    },
  }
  const findShown = createFindShownRuns({ store, access })
  return {
    read,
    asked,
    async get(runIds: string[]) {
      const messages = runIds.map(message)
      const shown = findShown(ADA, runIds, DEBUG)
      await createWithReasoning(store, SETTINGS)(messages, DEBUG, () => shown)
      await createFindBrokenOff(store, SETTINGS)(messages, DEBUG, () => shown)
    },
  }
}

test('events of runs are read only once their reader may see them', async () => {
  const none = createScene([])
  await none.get(['one', 'other'])
  expect(none.read).toEqual([])
  const one = createScene(['one'])
  await one.get(['one', 'other'])
  expect(one.read).toEqual(['one', 'one'])
  expect(one.asked).toEqual(['one', 'other'])
})
