import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'

export interface RedisServer extends AsyncDisposable {
  readonly url: string
  readonly pid: number
}

export function isRedisInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * Starts a Redis that writes nothing to disk. The queue does not need that.
 *
 * @throws when it does not start
 */
export async function startRedis(): Promise<RedisServer> {
  const port = await findFreePort()
  const options = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: tmpdir() }
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  // Detached, because the terminal sends a Ctrl-C to every process, and this one must end last.
  const child = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const exited = once(child, 'exit')
  let isReady = false
  for await (const line of createInterface(child.stdout)) {
    isReady = line.includes('Ready to accept connections')
    if (isReady) break
  }
  // Its log would fill the pipe if nobody read it.
  child.stdout.resume()
  if (!isReady || child.pid === undefined) throw new Error(`redis-server did not start at port ${port}.`)
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill()
      await exited
    },
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
