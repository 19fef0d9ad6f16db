// Answers of tools that pages run, from callers whose token has expired.
import { describe, expect } from 'vitest'
import { test } from '../../support/runtime.ts'
import type { CreateServer } from '../../support/runtime.ts'
import { createShop } from './client-tools-scene.ts'

describe('an answer of a page whose token has expired', () => {
  /** The server refuses the token of so many answers. */
  async function createRefusing(createServer: CreateServer, refusals: number) {
    const shop = await createShop(createServer)
    let refused = 0
    const client = shop.clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.includes('respond') || refused === refusals) return shop.handler(request)
      refused += 1
      const error = {
        message: 'Who are you?',
        code: -32_001,
        data: { code: 'UNAUTHORIZED', httpStatus: 401 },
      }
      return Response.json({ error }, { status: 401 })
    })
    let runs = 0
    const tools = {
      pick_color() {
        runs += 1
        return { color: 'blue' as const }
      },
    }
    return { client, tools, told: shop.told, runs: () => runs }
  }

  test('is sent again with the next token, and the tool runs once', async ({ createServer }) => {
    const { client, tools, told, runs } = await createRefusing(createServer, 1)
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools(tools)
    expect(runs()).toBe(1)
    expect(told()).toEqual([{ color: 'BLUE' }])
  })

  test('is refused if no new token is valid, and the next call of runTools runs the tool again', async ({
    createServer,
  }) => {
    const { client, tools, told, runs } = await createRefusing(createServer, 2)
    const run = await client.runs.create({ agentKey: 'shop' })
    await expect(run.runTools(tools)).rejects.toMatchObject({ code: 'unauthorized' })
    expect(runs()).toBe(1)
    await run.runTools(tools)
    expect(runs()).toBe(2)
    expect(told()).toEqual([{ color: 'BLUE' }])
  })
})
