// The public suite for savers of LangGraph, over a run's journal.
import type { RunnableConfig } from '@langchain/core/runnables'
import { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint'
import type { CheckpointListOptions, CheckpointTuple } from '@langchain/langgraph-checkpoint'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { journalOf } from '../../../../server/agent/journal.ts'
import type { Journal } from '../../../../server/agent/journal.ts'
import { JournalSaver } from '../../../../server/frameworks/langgraph/saver.ts'
import { createAgentRuntime } from '../../../../server/runtime/create-runtime.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { createTestDatabase } from '../../../support/database.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { createRestClient } from '../../../support/rest-client.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

// The suite takes these from the global scope.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it })
const { specTest, deltaChannelHistoryTests } = await import('@langchain/langgraph-checkpoint-validation')

/** Reads the stored data before each action, like the process of another attempt. */
class RereadSaver extends BaseCheckpointSaver {
  readonly #open: () => Promise<JournalSaver>

  constructor(journal: Journal) {
    super()
    this.#open = () => JournalSaver.open({ journal })
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    return (await this.#open()).getTuple(config)
  }

  override async *list(config: RunnableConfig, options?: CheckpointListOptions) {
    yield* (await this.#open()).list(config, options)
  }

  override async put(...given: Parameters<JournalSaver['put']>): Promise<RunnableConfig> {
    return (await this.#open()).put(...given)
  }

  override async putWrites(...given: Parameters<JournalSaver['putWrites']>): Promise<void> {
    await (await this.#open()).putWrites(...given)
  }

  override async deleteThread(thread: string): Promise<void> {
    await (await this.#open()).deleteThread(thread)
  }
}

async function startRuntime() {
  const database = await createTestDatabase(inject('postgres'))
  const held = createHeldAgent()
  const { entries: _, ...logger } = createSilentLogger()
  const runtime = createAgentRuntime({
    agents: [held.agent],
    model: createScriptedModel([]),
    logger,
    config: { databaseUrl: database.url, concurrency: 500 },
  })
  await runtime.startWorker()
  const rest = createRestClient(runtime.handler)
  return {
    /** The journal of a new run. */
    async open(): Promise<Journal> {
      const index = held.started
      await rest.create('held')
      return journalOf(await held.attempt(index), 'langgraph')
    },
    async stop() {
      held.release()
      await runtime.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}

let started: Awaited<ReturnType<typeof startRuntime>>
beforeAll(async () => {
  started = await startRuntime()
})
afterAll(() => started.stop())

describe.each([
  ['a saver', async (journal: Journal) => JournalSaver.open({ journal })],
  ['savers of one process after another', async (journal: Journal) => new RereadSaver(journal)],
])('%s', (checkpointerName, create) => {
  const initializer = { checkpointerName, createCheckpointer: async () => create(await started.open()) }
  specTest(initializer)
  deltaChannelHistoryTests(initializer)
})
