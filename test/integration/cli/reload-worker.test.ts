import { expect, inject, test, vi } from 'vitest'
import { createWorkspace, runCli, serverModule } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { childrenOf } from '../../support/processes.ts'

// Each starts several processes, one after the other.
vi.setConfig({ testTimeout: 180_000 })

const runtime = (agent: string): string => `
  import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
  export default createAgentRuntime({ agents: [defineAgent({ key: '${agent}', async run() {} })] })
`

test.each([
  ['--reload', ['--reload'], {}],
  ['NODE_ENV=development', [], { NODE_ENV: 'development' }],
])('with %s, a worker takes up changes', async (_what, args, env) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write('runtime.ts', runtime('one'))
  await using worker = runCli(['worker', ...args], {
    cwd: folder.path,
    env: { DATABASE_URL: database.url, ...env },
  })
  await worker.printed(/^Working on runs of one\n/)
  await folder.write('runtime.ts', runtime('two'))
  await worker.printed(/· Reloaded in \d+\.\d s: runtime\.ts changed\n/)
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
  expect(worker.stderr()).toBe('')
})

test.each([
  ['by default', [], {}],
  ['with --no-reload in development', ['--no-reload'], { NODE_ENV: 'development' }],
])('%s, a worker goes on as it was, whatever changes', async (_when, args, env) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write('runtime.ts', runtime('one'))
  await using worker = runCli(['worker', ...args], {
    cwd: folder.path,
    env: { DATABASE_URL: database.url, ...env },
  })
  await worker.printed(/Working on runs of one/)
  const processes = childrenOf(worker.pid)
  await folder.write('runtime.ts', runtime('two'))
  // Longer than a process takes to notice a change.
  await using looking = runCli(['worker', '--reload'], {
    cwd: folder.path,
    env: { DATABASE_URL: database.url, ...env },
  })
  await looking.printed(/Working on runs of two/)
  expect(childrenOf(worker.pid)).toEqual(processes)
  expect(worker.stdout()).not.toContain('Reloaded')
})

test('several processes are not reloaded, and --reload for them is refused', async () => {
  await using folder = await createWorkspace()
  await folder.write('runtime.ts', runtime('one'))
  const { adminUrl } = inject('postgres')
  await using refused = runCli(['worker', '--processes', '2', '--reload'], {
    cwd: folder.path,
    env: { DATABASE_URL: adminUrl },
  })
  expect(await refused.exited).toBe(1)
  expect(refused.stderr()).toBe('agent-runtime: --reload is for one process: leave it out, or --processes.\n')
})
