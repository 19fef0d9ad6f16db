import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { routeUpgrades } from '../../server/cli/route-requests.ts'
import { createAgentRuntime } from '../../server/index.ts'
import { reportReady } from '../driver/server-child.ts'
import { agents } from './agents.ts'
import { authenticate } from './authenticate.ts'
import { watched } from './watched.ts'

// All viewers are the same principal here.
const config = { socketsPerPrincipal: 1_000_000 }
const runtime = createAgentRuntime({ agents, authenticate, config, ...watched() })
await runtime.start()

// The options of `agent-runtime serve`.
const server = createServer(runtime.nodeHandler)
routeUpgrades(server, (request, socket, head) => runtime.handleUpgrade(request, socket, head))
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  reportReady({
    port,
    async stop() {
      server.close()
      await runtime.stop()
      server.closeAllConnections()
    },
  })
})
