// Tool calls that go wrong.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type AnyTool, defineTool } from '../../../server/agent/define-tool.ts'
import { ToolError } from '../../../server/agent/tool-error.ts'
import { toolLoop } from '../../../server/agent/tool-loop.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { add, createContext } from './tool-loop-scene.ts'

describe('a tool call that goes wrong is a result the model can correct', () => {
  async function run(call: { name: string; arguments: unknown }, tool: AnyTool = add) {
    const model = createScriptedModel([{ toolCalls: [{ id: 'c1', ...call } as never] }, { text: 'Sorry.' }])
    const context = createContext(model)
    const { text } = await toolLoop(context.ctx, { tools: [tool] })
    expect(text).toBe('Sorry.')
    const [result] = context.of('tool.result') as { result: { error: string }; isError: boolean }[]
    expect(result?.isError).toBe(true)
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: JSON.stringify(result?.result),
    })
    const [{ toolCallId }] = context.of('tool.call') as [{ toolCallId: string }]
    return { error: result?.result.error, warn: context.warn, toolCallId }
  }

  const failing = (error: unknown) =>
    defineTool({
      name: 'fail',
      description: 'Fails',
      input: z.object({}),
      execute: () => Promise.reject(error),
    })

  test('when the input does not fit the schema', async () => {
    expect(await run({ name: 'add', arguments: { a: 'one' } })).toMatchObject({
      error: expect.stringMatching(/^The arguments for "add" are not valid\. a: .*expected number/),
    })
  })

  test('when the arguments are not JSON', async () => {
    expect(await run({ name: 'add', arguments: '{"a": 1' })).toMatchObject({
      error: 'The arguments for "add" are not a JSON object.',
    })
  })

  test('when there is no such tool', async () => {
    expect(await run({ name: 'subtract', arguments: {} })).toMatchObject({
      error: 'There is no tool "subtract". add can be called.',
    })
  })

  test('when the tool throws: what it threw is logged and not told', async () => {
    const err = new Error('password=hunter2')
    const { error, warn, toolCallId } = await run({ name: 'fail', arguments: {} }, failing(err))
    expect(error).toBe('The tool "fail" failed.')
    expect(warn).toHaveBeenCalledWith({ tool: 'fail', toolCallId, err }, 'The tool "fail" failed.')
  })

  test('when the tool throws a ToolError, which is meant for the model', async () => {
    const { error, warn, toolCallId } = await run(
      { name: 'fail', arguments: {} },
      failing(new ToolError('No such city.')),
    )
    expect(error).toBe('No such city.')
    expect(warn).toHaveBeenCalledWith({ tool: 'fail', toolCallId }, 'No such city.')
  })

  test('when what the tool returns is no JSON at all', async () => {
    const big = defineTool({
      name: 'big',
      description: 'Big',
      input: z.object({}),
      execute: () => 1n as never,
    })
    expect((await run({ name: 'big', arguments: {} }, big)).error).toBe(
      `The tool "big" was run, but its result can't be told: it is not JSON.`,
    )
  })
})
