// Follows each guide word by word from an empty folder.
import { chmod, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { followPage, stepsOf } from '../support/followed-page.ts'
import { freePort } from '../support/local-server.ts'
import { env, root } from '../support/packed-app.ts'

const GUIDES = join(root, 'docs/guides')

test.concurrent.each(await readdir(GUIDES))('%s leads where it says', async (name) => {
  const page = await readFile(join(GUIDES, name), 'utf8')
  const steps = stepsOf(page)
  expect(steps.filter(({ kind }) => kind === 'output').length).toBeGreaterThan(1)
  const folder = await mkdtemp(join(tmpdir(), 'guide-'))
  // Like a folder that a user creates: PostgreSQL does not run as root, and must be able to enter it.
  await chmod(folder, 0o755)
  const [port, another, third] = [await freePort(), await freePort(), await freePort()]
  await using database = await createTestDatabase()
  const needsDatabase = page.includes('`DATABASE_URL`')
  try {
    await followPage(page, {
      folder,
      env: { ...env, PORT: String(port), DATABASE_URL: needsDatabase ? database.url : undefined },
      replacements: {
        'npm install trpc-agent-runtime': `npm install --no-audit --no-fund ${inject('tarball')}`,
        ':3000': `:${port}`,
        'port 3000': `port ${port}`,
        '--port 3000': `--port ${port}`,
        'port: 3000': `port: ${port}`,
        ':4000': `:${another}`,
        'port 4000': `port ${another}`,
        'listen(3000': `listen(${port}`,
        'listen(4000': `listen(${another}`,
        ':9464': `:${third}`,
        '--metrics-port 9464': `--metrics-port ${third}`,
      },
      timeoutMs: 120_000,
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
