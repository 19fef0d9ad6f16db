// Thrown values that cannot be read as errors. Each ends its run like any error, and is in the log.
import { expect, test } from 'vitest'
import { createWorkspace, runCli, serverModule } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createRun, follow } from '../../support/rest.ts'

test.each([['json'], ['pretty']])('hostile errors end their runs and are logged (%s)', async (format) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const throwing = (key: string, error: () => unknown) => defineAgent({ key, run: async () => { throw error() } })
     const refuse = { get() { throw new Error('a getter threw') } }
     const agents = [
       throwing('cyclic', () => {
         const error = new Error('the cause of itself')
         error.cause = new Error('between', { cause: error })
         return error
       }),
       throwing('getters', () => {
         const error = new Error('kept to itself')
         for (const name of ['message', 'stack', 'code', 'cause']) Object.defineProperty(error, name, refuse)
         return error
       }),
       throwing('proxy', () => new Proxy(new Error('a proxy'), refuse)),
       throwing('bare', () => Object.create(null)),
       throwing('nothing', () => undefined),
     ]
     export default createAgentRuntime({ agents, config: { maxAttempts: 1 } })`,
  )
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url, LOG_FORMAT: format } }
  await using server = runCli(['serve', '--port', '0', '--insecure'], options)
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  await using worker = runCli(['worker'], options)
  await worker.printed(/Working on/)

  for (const agentKey of ['cyclic', 'getters', 'proxy', 'bare', 'nothing']) {
    const runId = await createRun(url, agentKey)
    expect(await follow(url, runId)).toContain('event: run.failed')
    await worker.printed(new RegExp(runId))
  }
  expect(worker.stderr()).toContain('the cause of itself')
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
})
