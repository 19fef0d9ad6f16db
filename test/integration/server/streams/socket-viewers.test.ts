// What each of many viewers of a run costs their server over sockets.
import type { Socket } from 'node:net'
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { openRawSocket } from '../../../support/raw-socket.ts'
import type { RawSocket } from '../../../support/raw-socket.ts'
import { test } from '../../../support/runtime.ts'

const VIEWERS = 40
const EVENTS = 500

/** Emits this many events, as fast as they are taken, whenever the test says so. Only the test ends it. */
function createBursts() {
  const asked: PromiseWithResolvers<boolean>[] = [Promise.withResolvers()]
  const agent = defineAgent({
    key: 'bursts',
    events: { tick: { schema: z.object({ n: z.number() }), visibility: 'user' } },
    async run(ctx) {
      for (let burst = 0; await asked[burst]?.promise; burst += 1) {
        for (let n = 1; n <= EVENTS; n += 1) await ctx.emit('tick', { n })
      }
    },
  })
  const next = (more: boolean) => {
    asked.push(Promise.withResolvers())
    asked.at(-2)?.resolve(more)
  }
  return { agent, burst: () => next(true), end: () => next(false) }
}

const follow = async (url: string, runId: string) => {
  const viewer = await openRawSocket(url)
  viewer.send({ id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId } } })
  await viewer.until(({ result }) => result?.type === 'started')
  return viewer
}

const ticksOf = ({ answers }: RawSocket) =>
  answers.filter(({ result }) => result?.data?.data.type === 'tick').length

/** The data that is written to each from here on. */
function watchWrites(sockets: readonly Socket[]) {
  const written = sockets.map((socket) => vi.spyOn(socket, 'write').mock.calls)
  return {
    perSocket: () => written.map((calls) => calls.length),
    different: () => new Set(written.flat().map(([chunk]) => chunk)).size,
  }
}

test('a batch of events is one write to each of its viewers, encoded once for all', async ({
  createServer,
}) => {
  const { agent, burst, end } = createBursts()
  const { runtime, rest } = await createServer({ agents: [agent] })
  await using host = await hostRuntimes(runtime)
  const runId = await rest.create('bursts')
  await using stack = new AsyncDisposableStack()
  const join = async () => {
    const viewers = await Promise.all(
      Array.from({ length: VIEWERS }, async () => stack.use(await follow(host.socketUrl, runId))),
    )
    return { viewers, writes: watchWrites(host.sockets.slice(-VIEWERS)) }
  }
  const sawAll = (viewers: RawSocket[], count: number) =>
    vi.waitUntil(() => viewers.every((viewer) => ticksOf(viewer) === count), { interval: 5, timeout: 30_000 })

  const first = await join()
  burst()
  await sawAll(first.viewers, EVENTS)
  const live = first.writes.perSocket()
  // Upper bounds: the speed of the machine decides how large batches are. Signs of life may come between.
  expect(Math.max(...live)).toBeLessThan(EVENTS + 20)
  // On a slow machine, viewers that wait for their time slice get other batches than earlier ones.
  expect(first.writes.different()).toBeLessThan(live.reduce((sum, count) => sum + count) / 2)

  // Viewers that join late read pages from the store.
  const late = await join()
  await sawAll(late.viewers, EVENTS)
  expect(Math.max(...late.writes.perSocket())).toBeLessThan(20)
  end()
  await Promise.all(
    [...first.viewers, ...late.viewers].map((viewer) =>
      viewer.until(({ result }) => result?.type === 'stopped'),
    ),
  )
})
