import { inject, expect, test } from 'vitest'
import { createWorkspace, entry, runCli, serverModule } from '../../support/cli.ts'
import type { Workspace } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'

const NOBODY = 'postgresql://user:secret@127.0.0.1:1/app'

interface Outcome {
  code: number | null
  /** The whole output. */
  said: string
}

async function outcomeOf(
  args: readonly string[],
  options: { folder?: Workspace; env?: Record<string, string> } = {},
): Promise<Outcome> {
  await using own = await createWorkspace()
  const cwd = (options.folder ?? own).path
  await using command = runCli(args, { cwd, ...(options.env === undefined ? {} : { env: options.env }) })
  const code = await command.exited
  return { code, said: command.stdout() + command.stderr() }
}

/** Serves an entry with this source. The database does not matter, since the entry fails first. */
async function serveSource(source: string, name = 'runtime.ts'): Promise<Outcome> {
  await using folder = await createWorkspace()
  await folder.write(name, source)
  return await outcomeOf(['serve', name, '--port', '0'], { folder, env: { DATABASE_URL: NOBODY } })
}

test('an entry that does not exist', async () => {
  expect(await outcomeOf(['dev', 'nowhere.ts'])).toEqual({
    code: 1,
    said: 'agent-runtime: The entry nowhere.ts does not exist.\n',
  })
})

test('no entry where one would be looked for', async () => {
  const { code, said } = await outcomeOf(['worker'])
  expect(code).toBe(1)
  expect(said).toMatch(
    /^agent-runtime: No entry: name the file .* call it runtime\.ts, src\/runtime\.ts.*\n$/,
  )
})

test.each([
  [
    'TypeScript',
    'runtime.ts',
    'const a = 1\nexport default {\n  x: ,\n}\n',
    'runtime.ts:3: Expression expected',
  ],
  [
    'JavaScript',
    'runtime.js',
    'const a = 1\nconst b = (\nexport default a\n',
    "runtime.js:3: Unexpected token 'export'",
  ],
  [
    'TypeScript that Node does not strip',
    'runtime.ts',
    'const a = 1\nenum Mood { Good }\nexport default Mood\n',
    'runtime.ts:2: TypeScript enum is not supported in strip-only mode',
  ],
])('a syntax error in %s is told with its line', async (_language, name, source, said) => {
  expect(await serveSource(source, name)).toEqual({ code: 1, said: `agent-runtime: ${said}\n` })
})

test('an entry that throws is told with its line', async () => {
  const { code, said } = await serveSource(
    'const agents: any = undefined\nexport default agents.map(String)\n',
  )
  expect(code).toBe(1)
  expect(said).toBe("agent-runtime: runtime.ts:2: Cannot read properties of undefined (reading 'map')\n")
})

test('an entry that imports what is not installed', async () => {
  const { code, said } = await serveSource("import 'not-installed'\n")
  expect(code).toBe(1)
  expect(said).toMatch(/^agent-runtime: runtime\.ts: Cannot find package 'not-installed' imported from .*\n$/)
})

test('an entry without a default export, and one whose default export is no runtime', async () => {
  const without = await outcomeOf(['serve', entry('no-default-export'), '--port', '0'])
  expect(without.code).toBe(1)
  expect(without.said).toMatch(
    /no-default-export\.ts has no default export: add `export default createAgentRuntime\(.*\n$/,
  )
  const other = await outcomeOf(['serve', entry('other-default-export'), '--port', '0'])
  expect(other.code).toBe(1)
  expect(other.said).toMatch(/other-default-export\.ts is not what createAgentRuntime\(…\) returns\.\n$/)
})

test('two agents of one key', async () => {
  expect(await outcomeOf(['worker', entry('duplicate-key')])).toEqual({
    code: 1,
    said: 'agent-runtime: Two agents have the key "chat". Give each agent a key of its own.\n',
  })
})

test.each([
  ['serve', ['--insecure']],
  ['worker', []],
  ['dev', []],
])('%s: a database that does not answer', async (command, options) => {
  const { code, said } = await outcomeOf([command, entry('working'), ...options], {
    env: { DATABASE_URL: NOBODY, PORT: '0' },
  })
  expect(code).toBe(1)
  expect(said).toBe(
    'agent-runtime: No PostgreSQL answers at 127.0.0.1:1/app. Start it, or correct DATABASE_URL.\n',
  )
})

test.each([
  ['serve', [entry('working'), '--insecure']],
  ['worker', [entry('working')]],
  ['migrate', []],
])('%s: no database', async (command, args) => {
  const { code, said } = await outcomeOf([command, ...args], {
    env: { PORT: '0' },
  })
  expect(code).toBe(1)
  expect(said).toMatch(/^agent-runtime: DATABASE_URL is not set: .*\n$/)
})

test('a database that was not migrated', async () => {
  await using database = await createTestDatabase({ ...inject('postgres'), template: 'template0' })
  const { code, said } = await outcomeOf(['worker', entry('working')], {
    env: { DATABASE_URL: database.url },
  })
  expect(code).toBe(1)
  expect(said).toMatch(/^agent-runtime: .* has no agent_runtime tables yet\. Run: agent-runtime migrate\n$/)
})

test('an agent that is not there', async () => {
  await using database = await createTestDatabase()
  const { code, said } = await outcomeOf(['worker', entry('working'), '--agent-keys', 'echo,nobody'], {
    env: { DATABASE_URL: database.url },
  })
  expect(code).toBe(1)
  expect(said).toBe('agent-runtime: There is no agent "nobody". Known: echo, steady, endless.\n')
})

test.each([
  [['dev', '--port', 'high'], 'a whole number from 0 to 65535'],
  [['dev', '--port', '70000'], 'a whole number from 0 to 65535'],
  [['worker', '--concurrency', '0'], 'a whole number from 1 to 10000'],
  [['worker', '--concurrency', '1.5'], 'a whole number from 1 to 10000'],
  [['worker', '--drain-timeout', '-1'], 'a number from 0 to 86400'],
  [['worker', '--queue-poll-interval', 'often'], 'a number from 0.05 to 86400'],
  [['worker', '--agent-keys', 'a,,b'], 'names separated by commas'],
])('%j is refused: it must be %s', async (args, must) => {
  const { code, said } = await outcomeOf(args)
  expect(code).toBe(1)
  expect(said.split('\n')[0]).toContain(`is invalid. It must be ${must}.`)
})

test('a setting that is malformed', async () => {
  const { code, said } = await outcomeOf(['worker', entry('working')], {
    env: { DATABASE_URL: NOBODY, MAX_ATTEMPTS: 'many' },
  })
  expect(code).toBe(1)
  expect(said).toMatch(/^agent-runtime: Configuration is not valid\. maxAttempts \(MAX_ATTEMPTS\): .*\n$/)
})

test('serve without authenticate starts only when it is told to', async () => {
  await using database = await createTestDatabase()
  expect(
    await outcomeOf(['serve', entry('working')], { env: { DATABASE_URL: database.url, PORT: '0' } }),
  ).toEqual({
    code: 1,
    said: 'agent-runtime: The runtime has no `authenticate`, so whoever reaches it could do everything: give createAgentRuntime one, or start with --insecure.\n',
  })
})

test('a setting that does not exist, and a slip in authenticate', async () => {
  const source = (options: string) =>
    `import { createAgentRuntime } from ${JSON.stringify(serverModule)}
     export default createAgentRuntime({ agents: [], ${options} })`
  expect(await serveSource(source('config: { maxAttemps: 3 }'))).toEqual({
    code: 1,
    said: 'agent-runtime: Configuration is not valid. maxAttemps: there is no such setting, did you mean maxAttempts?\n',
  })
  expect(await serveSource(source('authentcate: () => null'))).toEqual({
    code: 1,
    said: 'agent-runtime: createAgentRuntime: authentcate: there is no such setting, did you mean authenticate?\n',
  })
})

test.each([
  ['openai', 'openai', 'OPENAI_API_KEY'],
  ['anthropic', '@anthropic-ai/sdk', 'ANTHROPIC_API_KEY'],
])('a worker whose SDK of %s is missing says so: asked for it, it ends', async (provider, sdk, key) => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const hooks = `
      import { registerHooks } from 'node:module'
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier !== '${sdk}') return next(specifier, context)
          throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' })
        },
      })`
  const env = {
    DATABASE_URL: database.url,
    MAX_ATTEMPT: '3',
    MODEL_PROVIDER: '',
    [key]: 'key',
    NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(hooks)}"`,
    LOG_FORMAT: 'pretty',
  }
  const missing = `This model client needs the package "${sdk}": npm install ${sdk}`
  // The key may be for another program: the agents may never use the model.
  await using worker = runCli(['worker', entry('working')], { cwd: folder.path, env })
  await worker.printed(/Working on/)
  expect(worker.stderr()).toContain(missing)
  expect(worker.stderr()).toContain('The variable MAX_ATTEMPT is not read. Did you mean MAX_ATTEMPTS?')

  const asked = { ...env, MODEL_PROVIDER: provider }
  await using demanding = runCli(['worker', entry('working')], { cwd: folder.path, env: asked })
  expect(await demanding.exited).toBe(1)
  expect(demanding.stderr()).toContain(`agent-runtime: ${missing}\n`)
})

test('a folder that is no Vite app', async () => {
  expect(await outcomeOf(['dev', entry('working'), '--web', 'web'])).toEqual({
    code: 1,
    said: 'agent-runtime: --web: web has no index.html, so it is no folder of a Vite app.\n',
  })
})

test('what was not expected ends the command too, and DEBUG=1 shows where it came from', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime } from ${JSON.stringify(serverModule)}
     setTimeout(() => { throw new Error('out of the blue') }, 500)
     export default createAgentRuntime({ agents: [] })\n`,
  )
  const env = { DATABASE_URL: database.url }
  const quiet = await outcomeOf(['serve', '--port', '0', '--insecure'], { folder, env })
  expect(quiet.code).toBe(1)
  expect(quiet.said).toMatch(/agent-runtime: out of the blue\nThis was not expected\. DEBUG=1 shows/)
  expect(quiet.said).toMatch(/Error: out of the blue\n +at /)
  const loud = await outcomeOf(['serve', '--port', '0', '--insecure'], {
    folder,
    env: { ...env, DEBUG: '1' },
  })
  expect(loud.said).toMatch(/runtime\.ts:2/)
})
