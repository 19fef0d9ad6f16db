// Agents that the configuration names.
import { expect, test } from 'vitest'
import { createWorkspace, runCli, serverModule, startDev } from '../../support/cli.ts'
import type { Workspace } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createRun, follow } from '../../support/rest.ts'

const AGENTS = `
  import { defineAgent } from ${JSON.stringify(serverModule)}
  const agent = (key: string) => defineAgent({ key, run: async (ctx) => ctx.emitMessage(key + ' was here') })
  export async function registerAgents(register) {
    register(agent('one'), agent('two'))
  }
  export function throwing() { throw new Error('no such model') }
  export function registersRubbish(register) { register({}) }
  export function registersAgain(register) { register(agent('one')) }
`

test('without an entry, dev runs what RUNTIME_REGISTRY names, and takes up a change of it', async () => {
  await using folder = await createWorkspace()
  await folder.write('agents.ts', AGENTS)
  await folder.write('.env', 'RUNTIME_REGISTRY=./agents.ts#registerAgents')
  await using unquoted = runCli(['dev', '--port', '0'], { cwd: folder.path })
  expect(await unquoted.exited).toBe(1)
  expect(unquoted.stderr()).toContain('in .env in quotes: # begins a comment there')

  await folder.write('.env', 'RUNTIME_REGISTRY="./agents.ts#registerAgents"')
  await using dev = await startDev(['--port', '0'], { cwd: folder.path })
  expect(dev.stdout()).toMatch(/Agents +one, two/)
  await follow(dev.url, await createRun(dev.url, 'two'), /two was here/)

  await folder.write('agents.ts', AGENTS.replace("agent('two')", "agent('three')"))
  await dev.printed(/Reloaded in [\d.]+ s: agents\.ts changed/)
  await follow(dev.url, await createRun(dev.url, 'three'), /three was here/)
})

async function outcomeOf(folder: Workspace, registry: string[], env: Record<string, string>) {
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const own = defineAgent({ key: 'own', async run() {} })
     export default createAgentRuntime({ agents: [own], config: { registry: ${JSON.stringify(registry)} } })`,
  )
  await using worker = runCli(['worker'], { cwd: folder.path, env })
  return { code: await worker.exited, said: worker.stderr() }
}

test('a worker has the agents of its entry and those of the registry; what is wrong with it is said', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write('agents.ts', AGENTS)
  await folder.write('broken.ts', 'export const a = undefinedName\n')
  const env = { DATABASE_URL: database.url }
  const wrong: [registry: string[], said: RegExp][] = [
    [
      ['./nowhere.ts#registerAgents'],
      /registry: there is no file \S+\/nowhere\.ts \(\.\/nowhere\.ts#registerAgents\)\./,
    ],
    [
      ['./agents.ts#registerAgent'],
      /registry: \.\/agents\.ts exports no function registerAgent, did you mean registerAgents\?\./,
    ],
    [['./agents.ts#throwing'], /registry: \.\/agents\.ts#throwing failed: no such model/],
    [['./agents.ts#registersRubbish'], /registersRubbish failed: what it registers is not what defineAgent/],
    [['./broken.ts#registerAgents'], /registry: \.\/broken\.ts failed: undefinedName is not defined/],
    [['./agents.ts#registerAgents', './agents.ts#registersAgain'], /Two agents have the key "one"/],
  ]
  for (const [registry, said] of wrong) {
    const outcome = await outcomeOf(folder, registry, env)
    expect(outcome).toEqual({ code: 1, said: expect.stringMatching(said) })
    expect(outcome.said).toMatch(/^agent-runtime: [^\n]+\n$/)
  }

  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const own = defineAgent({ key: 'own', async run() {} })
     export default createAgentRuntime({ agents: [own], config: { registry: ['./agents.ts#registerAgents'] } })`,
  )
  await using worker = runCli(['worker'], { cwd: folder.path, env })
  await worker.printed(/Working on runs of own, one, two/)
})
