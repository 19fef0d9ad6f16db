import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/** SIGKILLs the API servers in turn, as soon as the last one serves again. */
export function killServers(every: Span): Fault {
  return async ({ fleet, random: seeded, signal, count }) => {
    const random = seeded.fork('kill servers')
    while (await pause(random, every, signal)) {
      const server = random.pick(fleet.servers)
      server.process.kill('SIGKILL')
      count('API server killed')
      await server.process.exited
      await server.ready()
    }
  }
}
