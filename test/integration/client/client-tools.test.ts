// Tools that pages run with the client, over a real server.
import { describe, expect } from 'vitest'
import { test } from '../../support/runtime.ts'
import { createShop, pick } from './client-tools-scene.ts'

describe('a tool that a page runs', () => {
  test('gets its input, and its answer goes to the model', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 5 }), pick()])
    const run = await client.runs.create({ agentKey: 'shop' })
    const given: unknown[] = []
    await run.runTools({
      pick_color: (input) => {
        given.push(input)
        return { color: 'red' }
      },
    })
    expect(await run.result()).toBe('Done.')
    expect(given).toEqual(expect.arrayContaining([{ shades: 5 }, { shades: 3 }]))
    expect(told()).toEqual([{ color: 'RED' }, { color: 'RED' }])
  })

  test('is answered with the occurrence of the shown wait', async ({ createServer }) => {
    const { clientOf, handler } = await createShop(createServer)
    const answers: unknown[] = []
    const client = clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (request.url.includes('runs.respond')) answers.push(await request.clone().json())
      return handler(request)
    })
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools({ pick_color: () => ({ color: 'red' }) })
    expect(JSON.stringify(answers)).toContain('"occurrence":')
  })

  test('gives each of two calls its own answer, whichever is answered first', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 1 }), pick({ shades: 2 })])
    const run = await client.runs.create({ agentKey: 'shop' })
    const answer = async (shades: number, color: 'red' | 'blue') => {
      const { waits } = await run.get()
      const wait = waits.find(({ details }) => JSON.stringify(details).includes(`"shades":${shades}`))
      await run.respond(wait?.name as 'tool:pick_color:1', { result: { color } })
    }
    await expect.poll(async () => (await run.get()).waits).toHaveLength(2)
    await answer(2, 'blue')
    await expect.poll(() => run.get()).toMatchObject({ status: 'waiting', attempt: 2 })
    await answer(1, 'red')
    expect(await run.result()).toBe('Done.')
    expect(told()).toEqual([{ color: 'RED' }, { color: 'BLUE' }])
  })

  test('may run in two tabs at once, and one answer counts', async ({ createServer }) => {
    const { clientOf, client, told } = await createShop(createServer)
    const run = await client.runs.create({ agentKey: 'shop' })
    const both = Promise.withResolvers<void>()
    let began = 0
    const begin = async (color: 'red' | 'blue') => {
      began += 1
      if (began === 2) both.resolve()
      await both.promise
      return { color }
    }
    const other = await clientOf().runs.follow(run.id)
    await Promise.all([
      run.runTools({ pick_color: () => begin('red') }),
      other.runTools({ pick_color: () => begin('blue') }),
    ])
    expect(await run.result()).toBe('Done.')
    expect(['RED', 'BLUE']).toContain((told() as { color: string }[])[0]?.color)
  })

  test('is reported to the model if it throws or its answer has another form', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 1 }), pick({ shades: 2 })])
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools({
      pick_color({ shades }) {
        if (shades === 1) throw new Error('The user closed the window.')
        return { color: 'green' as 'red' }
      },
    })
    expect(told()).toEqual([
      { error: 'The user closed the window.' },
      { error: 'What the page made of it is not of the form that the tool declares.' },
    ])
  })

  test('is not called with arguments that do not fit', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick({ shades: 'many' })])
    const run = await client.runs.create({ agentKey: 'shop' })
    expect(await run.result()).toBe('Done.')
    expect(told()).toEqual([{ error: expect.stringContaining('not valid') }])
  })

  test('fails after its timeout if no page runs it', async ({ createServer }) => {
    const { client, told } = await createShop(createServer, [pick()], { timeoutMs: 50 })
    const run = await client.runs.create({ agentKey: 'shop' })
    expect(await run.result()).toBe('Done.')
    expect(told()).toEqual([{ error: 'Nobody ran the tool "pick_color" in time.' }])
  })

  test('waits together with an approval, and nothing runs before both are answered', async ({
    createServer,
  }) => {
    const { client, told } = await createShop(createServer, [{ name: 'pay', arguments: {} }, pick()])
    const run = await client.runs.create({ agentKey: 'shop' })
    for await (const event of run.events()) if (event.type === 'run.waiting') break
    const { waits } = await run.get()
    expect(waits.map(({ kind }) => kind).toSorted()).toEqual(['approval', 'input'])
    const done = run.runTools({ pick_color: () => ({ color: 'blue' }) })
    const { name, details } = waits.find(({ kind }) => kind === 'approval') as (typeof waits)[number]
    await run.respond(name as `approve:${string}`, {
      approved: true,
      hash: (details as { hash: string }).hash,
    })
    await done
    expect(told()).toEqual(['paid', { color: 'BLUE' }])
  })

  test('is answered again if the answer was lost, and runs once', async ({ createServer }) => {
    const { clientOf, told, handler } = await createShop(createServer)
    let failures = 0
    let runs = 0
    const client = clientOf(async (input, init) => {
      const request = new Request(input, init)
      if (request.url.includes('respond') && (failures += 1) <= 2) throw new TypeError('no network')
      return handler(request)
    })
    const run = await client.runs.create({ agentKey: 'shop' })
    await run.runTools({
      pick_color: () => {
        runs += 1
        return { color: 'blue' }
      },
    })
    expect({ runs, failures }).toEqual({ runs: 1, failures: 3 })
    expect(told()).toEqual([{ color: 'BLUE' }])
  })
})
