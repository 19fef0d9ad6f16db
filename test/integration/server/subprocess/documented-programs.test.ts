// The unchanged programs of docs/subprocess.md, and those of django-agent-runtime with another import.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished } from 'vitest'
import { subprocessAgent } from '../../../../server/frameworks/subprocess/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { isInstalled } from '../../../support/local-server.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const PAGE = fileURLToPath(new URL('../../../../docs/subprocess.md', import.meta.url))

async function blockOf(language: string, text: string): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```/gms)].filter(([, name]) => name === language)
  return blocks.map(([, , block = '']) => block).find((block) => block.includes(text)) ?? ''
}

async function agentOf(key: string, command: string, source: string) {
  const folder = await mkdtemp(join(tmpdir(), 'subprocess-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'program'), source)
  return subprocessAgent({ key, command, args: ['program'], cwd: folder })
}

interface Approval {
  name: string
  details: { hash: string }
}

const messages = [{ role: 'user', content: 'Is rain wet?' }]

// From the reference's README, with another import.
const TOOL_AGENT = `
from trpc_agent_runtime import *

def get_weather(location: str) -> str:
    """Get current weather for a location."""
    return f"Sunny, 72°F in {location}"

class ToolAgent(AgentRuntime):
    @property
    def key(self) -> str:
        return "tool-agent"

    def __init__(self):
        self.tools = ToolRegistry()
        self.tools.register(Tool.from_function(get_weather))

    async def run(self, ctx: RunContext) -> RunResult:
        llm = get_llm_client()
        messages = list(ctx.input_messages)

        while True:
            response = await llm.generate(
                messages,
                tools=self.tools.to_openai_format(),
            )
            messages.append(response.message)

            if not response.tool_calls:
                break

            for tool_call in response.tool_calls:
                await ctx.emit(EventType.TOOL_CALL, {
                    "tool": tool_call["function"]["name"],
                    "arguments": tool_call["function"]["arguments"],
                })
                result = await self.tools.execute(
                    tool_call["function"]["name"],
                    tool_call["function"]["arguments"],
                )
                await ctx.emit(EventType.TOOL_RESULT, {
                    "tool_call_id": tool_call["id"],
                    "result": result,
                })
                messages.append({
                    "role": "tool",
                    "tool_call_id": tool_call["id"],
                    "content": str(result),
                })

        return RunResult(
            final_output={"response": response.message["content"]},
            final_messages=messages,
        )

register_runtime(ToolAgent())
serve()
`

describe.skipIf(!isInstalled('python3'))('a program in Python', () => {
  test('by the decorator', async ({ createServer }) => {
    const source = await blockOf('python', '@agent\n')
    const program = `search = lambda topic: [f"a book on {topic}"]\n${source}`
    const model = createScriptedModel([
      {
        asked: {
          messages: [{ role: 'system', content: "Use these sources: ['a book on rain']" }, ...messages],
        },
        text: 'Yes.',
      } as never,
    ])
    const { rest } = await createServer({ agents: [await agentOf('research', 'python3', program)], model })
    const id = await rest.create('research', { messages, params: { topic: 'rain' } })
    const stream = await rest.stream(`runs/${id}/events`)
    const wait = (await stream.until('run.waiting')).at(-1)?.payload as Approval
    await rest.post(`runs/${id}/respond`, {
      wait: wait.name,
      value: { approved: true, hash: wait.details.hash },
    })
    await stream.until('run.succeeded')
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual({ report: 'Yes.' })
    model.assertAsked()
  })

  test('by a class in the reference’s shape', async ({ createServer }) => {
    const source = await blockOf('python', 'class ChatAgent')
    const model = createScriptedModel([{ text: 'Yes.' }])
    const { rest } = await createServer({ agents: [await agentOf('chat-agent', 'python3', source)], model })
    const id = await rest.create('chat-agent', { messages })
    expect((await rest.events(`runs/${id}/events`)).map(({ type, content }) => [type, content])).toEqual([
      ['run.started', undefined],
      ['assistant.message', 'Yes.'],
      ['run.succeeded', undefined],
    ])
    expect((await rest.get(`runs/${id}`)).body['output']).toMatchObject({
      final_output: { response: 'Yes.' },
      final_messages: [{ role: 'assistant', content: 'Yes.' }],
    })
  })

  test('by a class with tools', async ({ createServer }) => {
    const model = createScriptedModel([
      { toolCalls: [{ name: 'get_weather', arguments: { location: 'Lisbon' } }] },
      { asked: ({ messages }) => expect(messages.at(-1)).toMatchObject({ role: 'tool' }), text: 'Sunny.' },
    ])
    const { rest } = await createServer({
      agents: [await agentOf('tool-agent', 'python3', TOOL_AGENT)],
      model,
    })
    const id = await rest.create('tool-agent', { messages })
    const events = await rest.events(`runs/${id}/events?include_debug=1`)
    expect(events.filter(({ type }) => type.startsWith('tool.'))).toMatchObject([
      { type: 'tool.call', tool: 'get_weather', arguments: { location: 'Lisbon' } },
      { type: 'tool.result', result: 'Sunny, 72°F in Lisbon' },
    ])
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual({ response: 'Sunny.' })
    model.assertAsked()
    const [{ tools } = {}] = model.requests
    expect(tools).toMatchObject([
      {
        name: 'get_weather',
        description: 'Get current weather for a location.',
        parameters: { properties: { location: { type: 'string' } }, required: ['location'] },
      },
    ])
  })

  test('by the tool loop, which goes on where a crash left it', async ({ createServer }) => {
    const program = `
import os
from trpc_agent_runtime import *

def roll() -> int:
    """Rolls the dice."""
    with open("rolls", "a") as file:
        file.write("roll\\n")
    return 6

def fail() -> None:
    raise ValueError("no dice")

def cheat(to: int) -> None:
    """Turns the dice."""
    with open("rolls", "a") as file:
        file.write("cheated\\n")

@agent
async def dice(ctx):
    tools = ToolRegistry([Tool.from_function(roll), Tool.from_function(fail), Tool.from_function(cheat, needs_approval=True)])
    result = await ctx.tool_loop(tools)
    if not os.path.exists("died"):
        open("died", "w").close()
        os._exit(1)
    return RunResult({"text": result.final_output, "rolls": open("rolls").read()}, result.final_messages)

serve()
`
    const model = createScriptedModel([
      { toolCalls: [{ name: 'roll', arguments: {} }] },
      { toolCalls: [{ name: 'fail', arguments: {} }] },
      { toolCalls: [{ name: 'none', arguments: {} }] },
      { toolCalls: [{ name: 'cheat', arguments: { to: 6 } }] },
      { text: 'A six.' },
    ])
    const agents = [await agentOf('dice', 'python3', program)]
    const { rest } = await createServer({ agents, model, config: { maxAttempts: 2 } })
    const id = await rest.create('dice', { messages })
    const stream = await rest.stream(`runs/${id}/events`)
    const wait = (await stream.until('run.waiting')).at(-1)?.payload as Approval
    expect(wait.details).toMatchObject({ tool: 'cheat', arguments: { to: 6 } })
    const denied = { approved: false, hash: wait.details.hash, comment: 'No cheating' }
    await rest.post(`runs/${id}/respond`, { wait: wait.name, value: denied })
    const events = await rest.events(`runs/${id}/events?include_debug=1`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(outputOf((await rest.get(`runs/${id}`)).body)).toEqual({ text: 'A six.', rolls: 'roll\n' })
    expect(events.filter(({ type }) => type === 'tool.result')).toMatchObject([
      { tool: 'roll', result: 6 },
      { tool: 'fail', result: { error: 'no dice' }, is_error: true },
      { tool: 'none', is_error: true },
      { tool: 'cheat', result: { error: 'The call was not approved: No cheating.' }, is_error: true },
    ])
    expect(events.filter(({ type }) => type === 'assistant.message')).toHaveLength(1)
    expect(model.requests).toHaveLength(5)
  })
})

test('a program in a shell', async ({ createServer }) => {
  const source = await blockOf('sh', 'while read')
  const { rest } = await createServer({ agents: [await agentOf('shell', 'sh', source)] })
  const id = await rest.create('shell')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  expect(outputOf((await rest.get(`runs/${id}`)).body)).toBe('Hello from a shell.')
})
