import { describe, expect, it } from 'vitest'
import type { AnyConversationEvent } from '../../../client/index.ts'
import { isTerminalEvent } from '../../../server/contract/terminal.ts'
import type { Scene, SceneOptions } from './scene.ts'
import { createScene as createSceneWith } from './scene.ts'

const WAYS: Record<string, SceneOptions> = {
  'server-sent events': { transport: 'sse' },
  'a socket': { hasSockets: true, transport: 'websocket' },
}

type Event = Pick<AnyConversationEvent, 'type' | 'runId' | 'seq' | 'cursor'>

/** Takes events until so many runs have ended. */
async function untilEnded(events: AsyncIterable<Event>, runs: number): Promise<Event[]> {
  const heard: Event[] = []
  let ended = 0
  for await (const event of events) {
    heard.push(event)
    if (isTerminalEvent(event.type)) ended += 1
    if (ended === runs) break
  }
  return heard
}

/** The events of the runs' own streams. */
async function toldByRuns({ direct }: Scene, runIds: readonly string[]): Promise<Map<string, number[]>> {
  const told = new Map<string, number[]>()
  for (const id of runIds) {
    const seqs = [0]
    for await (const { seq } of (await direct.runs.follow(id)).events()) seqs.push(seq)
    told.set(id, seqs)
  }
  return told
}

function seqsByRun(events: readonly Event[]): Map<string, number[]> {
  const seqs = new Map<string, number[]>()
  for (const { runId, seq } of events) seqs.set(runId, [...(seqs.get(runId) ?? []), seq])
  return seqs
}

describe.each(Object.entries(WAYS))('a conversation followed over %s', (_way, options) => {
  const createScene = () => createSceneWith(options)

  it('delivers each event once and in order, wherever the connection is cut, while runs begin and end', async () => {
    await using scene = await createScene()
    const { id: conversationId } = await scene.direct.conversations.create()
    // At least an answer's head and one event, so that there is progress. After that anywhere, also within an event.
    let cuts = 0
    scene.proxy.cutAfter(() => 2_500 + (((cuts += 1) * 379) % 4_000))
    const ofTalkers = 6
    const following = untilEnded(scene.client.conversations.events(conversationId), ofTalkers + 2)
    const runIds: string[] = []
    for (let words = 10; words < 10 + ofTalkers; words += 1) {
      const run = await scene.direct.runs.create({ agentKey: 'talker', params: { words }, conversationId })
      runIds.push(run.id)
    }
    const dropped = await scene.direct.runs.create({ agentKey: 'scripted', conversationId })
    await dropped.cancel()
    const taking = await scene.direct.runs.create({
      agentKey: 'failing',
      conversationId,
      conversationPolicy: 'interrupt',
    })
    const heard = await following
    scene.proxy.cutAfter(() => null)

    expect([...seqsByRun(heard).keys()]).toEqual([...runIds, dropped.id, taking.id])
    expect(seqsByRun(heard)).toEqual(await toldByRuns(scene, [...runIds, dropped.id, taking.id]))
    // Without cuts the events are the same, from the beginning or from anywhere, except for overlaps.
    const uncut = await untilEnded(scene.direct.conversations.events(conversationId), ofTalkers + 2)
    expect(seqsByRun(uncut)).toEqual(seqsByRun(heard))
    for (const index of [0, Math.floor(heard.length / 2), heard.length - 2]) {
      const after = heard[index]?.cursor ?? ''
      const ended = heard.slice(0, index + 1).filter(({ type }) => isTerminalEvent(type)).length
      const events = scene.direct.conversations.events(conversationId, { after })
      const rest = await untilEnded(events, ofTalkers + 2 - ended)
      expect(seqsByRun([...heard.slice(0, index + 1), ...rest])).toEqual(seqsByRun(heard))
    }
  })

  it('goes on after a restart of the server, with the runs that began meanwhile', async () => {
    await using scene = await createScene()
    const { id: conversationId } = await scene.client.conversations.create()
    const first = await scene.client.runs.create({ agentKey: 'scripted', conversationId })
    const script = scene.scriptOf(first.id)
    script.say('before')
    const said: string[] = []
    let secondId: string | undefined
    for await (const event of scene.client.conversations.events(conversationId)) {
      if (event.type === 'assistant.message') said.push(event.payload.content)
      if (event.type === 'note') expect(event.payload.count).toBe(1)
      if (event.type === 'assistant.message' && event.payload.content === 'before') {
        await scene.restartServer()
        script.finish()
        const second = await scene.client.runs.create({ agentKey: 'scripted', conversationId })
        secondId = second.id
        scene.scriptOf(second.id).say('after')
        scene.scriptOf(second.id).finish()
      }
      if (event.type === 'run.succeeded' && event.runId === secondId) break
    }
    expect(said).toEqual(['before', 'after'])
  })

  it('reports why it can’t be followed: deleted, unauthorized, or a wrong cursor', async () => {
    await using scene = await createScene()
    const { id: conversationId } = await scene.client.conversations.create()
    const follow = async (client: Scene['client'], after?: string) => {
      for await (const _ of client.conversations.events(
        conversationId,
        after === undefined ? {} : { after },
      ));
    }
    await expect(follow(scene.clientOf('bob'))).rejects.toMatchObject({ code: 'not_found' })
    await expect(follow(scene.clientOf(null))).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(follow(scene.client, 'nonsense')).rejects.toMatchObject({ code: 'bad_request' })
    const followed = follow(scene.client).catch((error: unknown) => error)
    await scene.client.conversations.delete(conversationId)
    expect(await followed).toMatchObject({ code: 'not_found' })
  })
})
