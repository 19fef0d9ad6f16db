// An application's own session table, as in docs/anonymous-visitors.md.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { AnonymousSessionStore } from '../../../../server/index.ts'
import { stepsOf } from '../../../support/followed-page.ts'
import { test as base } from '../../../support/runtime.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const ADA = { id: 'ada', tenantId: 'acme', kind: 'user' } as const
const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
const sha256 = (token: string) => createHash('sha256').update(token).digest('hex')

interface Followed {
  PrismaClient: new (options: { adapter: PrismaPg }) => { $disconnect(): Promise<void> }
  createVisitorStore(prisma: unknown): AnonymousSessionStore
}

/** The files of that page, with the client that Prisma generates from the schema. */
async function followPage(folder: string): Promise<Followed> {
  const page = await readFile(join(ROOT, 'docs/anonymous-visitors.md'), 'utf8')
  await mkdir(folder, { recursive: true })
  for (const step of stepsOf(page))
    if (step.kind === 'file') await writeFile(join(folder, step.name), step.text)
  const prisma = join(
    dirname(createRequire(import.meta.url).resolve('prisma/package.json')),
    'build/index.js',
  )
  const schema = join(folder, 'schema.prisma')
  const { status, stderr } = spawnSync(
    process.execPath,
    [prisma, 'generate', '--no-hints', '--schema', schema],
    {
      cwd: ROOT,
      encoding: 'utf8',
      // It needs an engine that it does not start.
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
    },
  )
  if (status !== 0) throw new Error(stderr)
  const load = (name: string) => import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)
  return { ...(await load('generated/client.ts')), ...(await load('visitor-store.ts')) } as Followed
}

const test = base.extend<{ page: Followed; store: AnonymousSessionStore }>({
  page: [
    // oxlint-disable-next-line no-empty-pattern -- it depends on no other fixture
    async ({}, use) => {
      // Within the repository, so that packages are found.
      const folder = join(ROOT, `.agent-runtime/own-session-table-${process.pid}`)
      try {
        await use(await followPage(folder))
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    { scope: 'file' },
  ],
  store: async ({ database, page }, use) => {
    await database.sql(
      `CREATE TABLE public."Visitor" (id text PRIMARY KEY, "tokenHash" text NOT NULL UNIQUE,
         "expiresAt" timestamp(3) NOT NULL, language text)`,
    )
    const prisma = new page.PrismaClient({
      adapter: new PrismaPg({ connectionString: database.url, application_name: 'test' }),
    })
    await use(page.createVisitorStore(prisma))
    await prisma.$disconnect()
  },
})

test('sessions are kept in a table of the application’s', async ({ createServer, database, store }) => {
  const { rest, as, runtime } = await createServer({ agents: [echo], anonymousSessions: { store } })
  const { status, body } = await rest.post('sessions/anonymous', {}, { headers: { 'accept-language': 'pt' } })
  expect(status).toBe(201)
  const token = String(body['token'])
  const [kept] = await database.sql<{ id: string; tokenHash: string; language: string }>(
    'SELECT * FROM public."Visitor"',
  )
  expect(kept).toMatchObject({ tokenHash: sha256(token), language: 'pt' })
  expect(await runtime.sessions.find(token)).toMatchObject({ id: kept?.id, tenantId: '', kind: 'anonymous' })
  const visitor = as({ 'x-anonymous-token': token }).rest
  const runId = await visitor.create('echo')
  expect((await visitor.get(`runs/${runId}`)).status).toBe(200)

  expect(await runtime.sessions.claim(ADA, token)).toEqual({ conversations: 0, runs: 1 })
  expect(await database.sql('SELECT FROM public."Visitor"')).toEqual([])
  expect((await visitor.get(`runs/${runId}`)).status).toBe(401)
  expect((await runtime.runs.get(ADA, runId)).id).toBe(runId)
  await expect(runtime.sessions.claim(ADA, token)).rejects.toMatchObject({ code: 'not_found' })
})

test('sessions that the application issues on its own are taken, for as long as it says', async ({
  createServer,
  database,
  store,
}) => {
  const { as, runtime } = await createServer({ agents: [echo], anonymousSessions: { store } })
  const issue = (id: string, token: string, lifetime: string) =>
    database.sql(`INSERT INTO public."Visitor" VALUES ($1, $2, now() AT TIME ZONE 'UTC' + $3::interval)`, [
      id,
      sha256(token),
      lifetime,
    ])
  await issue('guest 7', 'from before', '1 hour')
  await issue('guest 8', 'too old', '-1 second')
  const guest = as({ 'x-anonymous-token': 'from before' }).rest
  const runId = await guest.create('echo')
  expect(await runtime.sessions.find('from before')).toMatchObject({ id: 'guest 7' })
  for (const token of ['too old', 'of nobody']) {
    expect((await as({ 'x-anonymous-token': token }).rest.get('runs')).status).toBe(401)
    await expect(runtime.sessions.claim(ADA, token)).rejects.toMatchObject({ code: 'not_found' })
  }
  // A session that was renewed meanwhile is not deleted too early.
  await database.sql(
    `UPDATE public."Visitor" SET "expiresAt" = "expiresAt" + interval '9 days' WHERE id = 'guest 7'`,
  )
  await guest.get(`runs/${runId}`)
  expect(
    await database.sql(
      `SELECT owner_id AS id, token_hash AS hash, expires_at > now() + interval '8 days' AS "isLong"
       FROM agent_runtime.anonymous_session`,
    ),
  ).toEqual([{ id: 'guest 7', hash: null, isLong: true }])
})

test('a claimed session is over, whatever becomes of the application’s table', async ({
  createServer,
  database,
  store,
}) => {
  const failing = { ...store, end: () => Promise.reject(new Error('The table is locked.')) }
  const { as, runtime, log } = await createServer({ agents: [echo], anonymousSessions: { store: failing } })
  const { token } = await runtime.sessions.create()
  const visitor = as({ 'x-anonymous-token': token }).rest
  await visitor.create('echo')
  expect(await runtime.sessions.claim(ADA, token)).toMatchObject({ runs: 1 })
  expect(log.filter(({ level }) => level === 'error')).toHaveLength(1)
  expect(await database.sql('SELECT FROM public."Visitor"')).toHaveLength(1)
  expect((await visitor.get('runs')).status).toBe(401)
  await expect(runtime.sessions.claim(ADA, token)).rejects.toMatchObject({ code: 'conflict' })
})
