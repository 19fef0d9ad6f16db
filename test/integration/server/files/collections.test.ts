// What files cost the other work of a process. Memory that is not on the heap, such as that of buffers, makes V8 collect
// all garbage, and meanwhile nothing else happens in the process.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import { test } from '../../../support/runtime.ts'

const MEGABYTES = 200
/** Today 12. Where the driver copies the bytes it is 33. */
const AT_MOST = 20

test('moving files makes V8 collect all garbage only now and then', async ({ createServer, database }) => {
  await createServer({ agents: [], worker: false })
  const child = fork(new URL('../../../fixtures/move-files.ts', import.meta.url), [String(MEGABYTES)], {
    env: { ...process.env, DATABASE_URL: database.url, NODE_OPTIONS: '', LOG_LEVEL: 'warn' },
  })
  const collections = await Promise.race([
    once(child, 'message').then(([count]) => count as number),
    once(child, 'exit').then(([code]) => `It ended with ${code}.`),
  ])
  child.kill()
  expect(collections).toBeLessThanOrEqual(AT_MOST)
}, 120_000)
