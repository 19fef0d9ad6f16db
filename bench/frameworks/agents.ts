import { ToolLoopAgent } from 'ai'
import { z } from 'zod'
import { defineAgent, toolLoop } from '../../server/index.ts'
import type { AgentContext } from '../../server/index.ts'
import { runAISDK } from '../../server/frameworks/ai-sdk/index.ts'
import { runGraph } from '../../server/frameworks/langgraph/index.ts'
import { runAgent } from '../../server/frameworks/openai-agents/index.ts'
import { subprocessAgent } from '../../server/frameworks/subprocess/index.ts'
import { createOpenAIModel } from '../../server/models/openai/index.ts'
import type { Framework, Pace } from './load.ts'
import { program } from './parts.ts'
import type { Parts } from './parts.ts'

const Params = z.object({ pace: z.enum(['paced', 'max']) })

/** The frameworks' agents as agents of the runtime, with the same keys. */
export function createAgents(parts: Parts, providerUrl: string) {
  const define = (key: Framework, run: (ctx: AgentContext, pace: Pace) => Promise<unknown>) =>
    defineAgent({
      key,
      params: Params,
      async run(ctx) {
        await run(ctx, ctx.params.pace)
      },
    })
  return [
    define('own-loop', (ctx, pace) => toolLoop(ctx, { model: createOpenAIModel(parts[pace].openai) })),
    define('langgraph', (ctx, pace) => runGraph(ctx, parts[pace].graph)),
    define('openai-agents', (ctx, pace) => runAgent(ctx, parts[pace].agent)),
    define('ai-sdk', (ctx, pace) =>
      runAISDK(ctx, { model: parts[pace].languageModel }, ({ model, messages, abortSignal }) =>
        new ToolLoopAgent({ model }).stream({ messages, abortSignal }),
      ),
    ),
    subprocessAgent({ key: 'subprocess', program: 'answer', params: Params, ...program(providerUrl) }),
  ] as const
}
