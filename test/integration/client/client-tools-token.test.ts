// Answers of tools that pages run, from callers whose token has expired.
import { describe, expect } from 'vitest'
import { test } from '../../support/runtime.ts'
import type { CreateServer } from '../../support/runtime.ts'
import { createShop } from './client-tools-scene.ts'

describe('an answer of a page whose token has run out', () => {
  /** As a server does that does not know the caller's token, so often. */
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

  test('is given with the next token, and the tool is run once', async ({ createServer }) => {
    const { client, tools, told, runs } = await createRefusing(createServer, 1)
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools(tools)
    expect(runs()).toBe(1)
    expect(told()).toEqual([{ color: 'BLUE' }])
  })

  test('is refused where there is none, and another try runs the tool', async ({ createServer }) => {
    const { client, tools, told, runs } = await createRefusing(createServer, 2)
    const run = await client.runs.create({ agentKey: 'shop' })
    await expect(run.runTools(tools)).rejects.toMatchObject({ code: 'unauthorized' })
    expect(runs()).toBe(1)
    await run.runTools(tools)
    expect(runs()).toBe(2)
    expect(told()).toEqual([{ color: 'BLUE' }])
  })
})
