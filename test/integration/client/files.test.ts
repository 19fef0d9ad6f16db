// Files through the client, for users and for visitors without an account.
import { expect } from 'vitest'
import { createAgentClient } from '../../../client/index.ts'
import { defineAgent } from '../../../server/index.ts'
import type { AgentRuntime, ShapeOfAgent } from '../../../server/index.ts'
import { hostRuntimes } from '../../support/node-host.ts'
import { test } from '../../support/runtime.ts'

const chat = defineAgent({
  key: 'chat',
  async run(ctx) {
    const seen: string[] = []
    for (const { content } of ctx.messages) {
      if (!Array.isArray(content)) continue
      for (const part of content) {
        if (part.type !== 'file' || part.fileId === undefined) continue
        for await (const piece of ctx.files.stream(part.fileId)) seen.push(Buffer.from(piece).toString())
      }
    }
    return { output: seen.join() }
  },
})
type Runtime = AgentRuntime<ShapeOfAgent<typeof chat>>

test('files are uploaded, named, downloaded, listed and deleted', async ({ createServer }) => {
  const { runtime } = await createServer({
    agents: [chat],
    authenticate: ({ headers }) =>
      headers.get('authorization') === 'Bearer ada' ? { id: 'ada', tenantId: '', kind: 'user' } : null,
  })
  await using host = await hostRuntimes(runtime)
  const open = (headers: Record<string, string>) =>
    createAgentClient<Runtime>({ url: `${host.url}/trpc`, headers, transport: 'sse' })
  const client = open({ authorization: 'Bearer ada' })
  const file = await client.files.upload(new File(['Hello'], '"a" ä.txt', { type: 'text/plain' }))
  expect(file).toMatchObject({ name: '"a" ä.txt', mediaType: 'text/plain', size: 5, owner: { id: 'ada' } })
  const blob = await client.files.upload(new Blob(['Bye']), { name: 'b.txt' })
  expect(blob).toMatchObject({ name: 'b.txt', mediaType: 'application/octet-stream' })

  const content = [file, blob].map(({ id }) => ({ type: 'file' as const, fileId: id }))
  const run = await client.runs.create({ agentKey: 'chat', messages: [{ role: 'user', content }] })
  expect(await run.result()).toBe('Hello,Bye')

  expect(await (await client.files.download(file.id)).text()).toBe('Hello')
  expect(client.files.url(file.id)).toBe(`${host.url}/trpc/files/${file.id}`)
  expect((await client.files.list()).items.map(({ id }) => id)).toEqual([blob.id, file.id])
  expect(await client.files.get(file.id)).toMatchObject({ id: file.id, expiresAt: null })
  await client.files.delete(file.id)
  const { get, download, delete: remove } = client.files
  for (const ask of [get, download, remove]) {
    await expect(ask(file.id)).rejects.toMatchObject({ name: 'AgentRuntimeError', code: 'not_found' })
  }
  await expect(open({}).files.upload(new Blob(['a']))).rejects.toMatchObject({ code: 'unauthorized' })
  const signal = AbortSignal.abort(new Error('Enough.'))
  await expect(client.files.upload(new Blob(['a']), { signal })).rejects.toThrow('Enough.')
  const aborting = new AbortController()
  const upload = createAgentClient<Runtime>({
    url: `${host.url}/trpc`,
    headers: { authorization: 'Bearer ada' },
    fetch(input, init) {
      queueMicrotask(() => aborting.abort(new Error('Enough.')))
      return fetch(input, init)
    },
  }).files.upload(new Blob([new Uint8Array(10_000_000)]), { signal: aborting.signal })
  await expect(upload).rejects.toThrow('Enough.')
})

test('an upload makes a visitor of a caller without an account', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [chat], anonymousSessions: true, worker: false })
  await using host = await hostRuntimes(runtime)
  const client = createAgentClient<Runtime>({ url: `${host.url}/trpc`, anonymous: true, transport: 'sse' })
  const { id, owner } = await client.files.upload(new Blob(['Hello']), { name: 'a' })
  expect(owner.kind).toBe('anonymous')
  expect(await (await client.files.download(id)).text()).toBe('Hello')
})
