// What a command does first.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createWorkspace, entry, runCli, startDev } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/local-server.ts'

async function outcomeOf(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  await using command = runCli(args, { cwd, env })
  return { code: await command.exited, said: command.stdout() + command.stderr() }
}

test('--version says the package’s', async () => {
  await using folder = await createWorkspace()
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(await outcomeOf(['--version'], folder.path)).toEqual({ code: 0, said: `${version}\n` })
})

test('an older Node is told in a sentence, before anything is imported that it can not', async () => {
  await using folder = await createWorkspace()
  // An older Node fails at `registerHooks` of node:module, which it does not have.
  const older = `
    import module from 'node:module'
    Object.defineProperty(process.versions, 'node', { value: '20.19.5' })
    module.registerHooks({
      resolve(specifier, context, next) {
        if (specifier.endsWith('/server/cli/main.ts')) return next(specifier, context)
        throw new SyntaxError('imported ' + specifier)
      },
    })`
  const env = { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(older)}"` }
  expect(await outcomeOf(['dev'], folder.path, env)).toEqual({
    code: 1,
    said: 'agent-runtime needs Node 22.18 or newer; this is 20.19.5.\n',
  })
})

test('dev reads .env, and what is set goes before it', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const port = await freePort()
  const lines = [
    `DATABASE_URL='${database.url}'`,
    `PORT=${port}`,
    'CONCURRENCY=none',
    'DEBUG_MODE=True # all',
  ]
  await folder.write('.env', lines.join('\n'))
  const env = { CONCURRENCY: '3' }
  await using dev = await startDev([entry('working')], { cwd: folder.path, env })
  expect(dev.url).toBe(`http://127.0.0.1:${port}`)
  expect(dev.stdout()).toContain('(DATABASE_URL)')

  // In production, whoever starts the process sets the environment.
  const worker = await outcomeOf(['worker', entry('working')], folder.path)
  expect(worker.said).toMatch(/^agent-runtime: DATABASE_URL is not set/)
})

test('dev in a folder that can not be written to says so', async () => {
  const { code, said } = await outcomeOf(['dev', entry('working'), '--port', '0'], '/sys')
  expect(code).toBe(1)
  expect(said.split('\n').at(-2)).toMatch(
    /^agent-runtime: No database can be kept in \/sys\/\.agent-runtime \(.*\): make the folder writable, .*, or set DATABASE_URL\.$/,
  )
})

test.each([
  [['serv'], "unknown command 'serv'", 'serve'],
  [['dev', '--prot', '1'], "unknown option '--prot'", '--port'],
  [['worker', '--noreload'], "unknown option '--noreload'", '--no-reload'],
  [['worker', '--process', '2'], "unknown option '--process'", '--processes'],
])('%j is refused with the nearest', async (args, said, nearest) => {
  await using folder = await createWorkspace()
  const outcome = await outcomeOf(args, folder.path)
  expect(outcome.code).toBe(1)
  expect(outcome.said).toContain(`error: ${said}\n(Did you mean ${nearest}?)\n`)
})
