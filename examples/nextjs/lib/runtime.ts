import { createAgentRuntime, defineAgent, textOf } from 'trpc-agent-runtime/server'

const echo = defineAgent({
  key: 'echo',
  async run(ctx) {
    const content = `You said: ${textOf(ctx.messages.at(-1))}`
    await ctx.emitMessage(content)
    return { messages: [{ role: 'assistant', content }] }
  },
})

const create = () => createAgentRuntime({ agents: [echo] })
const kept = globalThis as { agentRuntime?: ReturnType<typeof create> }
export const runtime = (kept.agentRuntime ??= create())
