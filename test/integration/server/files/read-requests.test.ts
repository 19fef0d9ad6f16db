// Uploads whose request the application's code has touched before the runtime reads it.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const BYTES = 3_000_000

test.for([
  { touch: 'nothing', look: () => {} },
  { touch: 'its signal', look: (request: Request) => void request.signal.aborted },
  { touch: 'its body', look: (request: Request) => void request.body },
  { touch: 'a copy of it', look: (request: Request) => request.clone().body?.cancel() },
])('an upload is stored whole when authenticate has touched $touch', async ({ look }, { createServer }) => {
  const { runtime } = await createServer({
    agents: [agent],
    worker: false,
    authenticate(request: Request) {
      void look(request)
      return { id: 'ada', tenantId: 'acme', kind: 'user' as const }
    },
  })
  const server = createHttpServer(runtime.nodeHandler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const body = new FormData()
  body.append('files', new Blob([new Uint8Array(BYTES).fill(7)]), 'a')
  const answer = await fetch(`http://127.0.0.1:${port}/api/agents/files/`, { method: 'POST', body })
  expect(answer.status).toBe(201)
  expect(await answer.json()).toMatchObject({ files: [{ size: BYTES }] })
  server.closeAllConnections()
  server.close()
})
