// A client generated from the OpenAPI document compiles, creates a run, streams it and resumes.
import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { createWorkspace } from '../../../support/cli.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { test } from '../../../support/runtime.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const FIXTURE = `${ROOT}test/fixtures/generated-client`

const echo = defineAgent({
  key: 'echo',
  params: z.object({ loud: z.boolean() }),
  async run(ctx) {
    await ctx.emitMessage('HELLO')
    return { output: { response: 'HELLO' } }
  },
})

// A compiler and two processes start, on a machine that may be busy.
test('compiles, creates, streams and resumes', { timeout: 120_000 }, async ({ createServer }) => {
  const { runtime, rest } = await createServer({ agents: [echo] })
  await using host = await hostRuntimes(runtime)
  const document = JSON.stringify((await rest.get('openapi.json')).body)
  const node = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: ROOT,
      maxBuffer: 50_000_000,
    }).catch((error: { stdout: string; stderr: string }) => {
      throw new Error(error.stdout + error.stderr)
    })
    return stdout
  }
  await using folder = await createWorkspace()
  await folder.write('openapi.json', document)
  const written = await node('test/support/generate-client.ts', `${folder.path}/openapi.json`)
  await folder.write('api.d.ts', written)
  for (const name of ['client.ts', 'tsconfig.json'])
    await folder.write(name, await readFile(`${FIXTURE}/${name}`, 'utf8'))
  await folder.write('package.json', '{ "type": "module" }')
  await symlink(`${ROOT}node_modules`, `${folder.path}/node_modules`)

  await node('node_modules/typescript/bin/tsc', '--project', `${folder.path}/tsconfig.json`)
  const said = await node(`${folder.path}/client.ts`, `${host.url}/api/agents`)
  expect(JSON.parse(said)).toEqual({
    status: 'queued',
    types: ['run.started', 'assistant.message', 'run.succeeded'],
    seqs: [1, 2, 3],
    text: ['HELLO'],
    output: { response: 'HELLO' },
    refused: 'not_found',
  })
})
