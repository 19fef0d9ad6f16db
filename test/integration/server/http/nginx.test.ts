// Debian's nginx in front, with its defaults. It buffers answers unless told otherwise.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { expect } from 'vitest'
import { createWorkspace } from '../../../support/cli.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { freePort, isInstalled } from '../../../support/local-server.ts'
import { hostRuntimes } from '../../../support/node-host.ts'
import { createRestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

interface Proxy extends AsyncDisposable {
  url: string
}

/** An nginx whose one setting is the server's address. */
async function startNginx(target: string): Promise<Proxy> {
  const folder = await createWorkspace()
  // Its workers have another user if root starts it.
  await chmod(folder.path, 0o777)
  const port = await freePort()
  await folder.write(
    'nginx.conf',
    `daemon off; pid ${folder.path}/pid; error_log ${folder.path}/error.log;
     events {}
     http {
       access_log off;
       ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder.path}/${kind};`).join(' ')}
       gzip on;
       server { listen 127.0.0.1:${port}; location / { proxy_pass ${target}; } }
     }`,
  )
  const nginx = spawn('nginx', ['-c', `${folder.path}/nginx.conf`, '-e', `${folder.path}/error.log`], {
    stdio: 'ignore',
  })
  const ended = once(nginx, 'exit')
  const url = `http://127.0.0.1:${port}`
  await expect
    .poll(
      () =>
        fetch(`${url}/healthz`).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 30_000 },
    )
    .toBe(200)
  return {
    url,
    async [Symbol.asyncDispose]() {
      nginx.kill('SIGTERM')
      await ended
      await folder[Symbol.asyncDispose]()
    },
  }
}

test(
  'passes each event at once, pages and errors as they are',
  { timeout: 60_000 },
  async ({ createServer, skip }) => {
    skip(!isInstalled('nginx'), 'nginx is not installed')
    const { agent, attempt, release } = createHeldAgent()
    const { runtime } = await createServer({ agents: [agent] })
    await using host = await hostRuntimes(runtime)
    await using nginx = await startNginx(host.url)
    const rest = createRestClient((request) =>
      fetch(new URL(new URL(request.url).pathname + new URL(request.url).search, nginx.url), request),
    )
    const id = await rest.create('held', { conversation: 'new' })
    const { conversation_id } = (await rest.get(`runs/${id}`)).body
    const ctx = await attempt(0)
    const stream = await rest.stream(`runs/${id}/events`)
    const all = await rest.stream(`conversations/${String(conversation_id)}/events`)
    for (const followed of [stream, all]) await followed.until('run.started')
    // The run is held, so what was not passed on by now never comes.
    for (const text of ['one', 'two']) {
      await ctx.emitMessage(text)
      for (const followed of [stream, all]) {
        expect((await followed.until('assistant.message')).at(-1)).toMatchObject({ content: text })
      }
    }
    await all.close()
    release()
    await stream.until('run.succeeded')
    expect(await stream.next()).toBeUndefined()
    expect((await rest.get(`runs/${id}/events`)).body).toMatchObject({ count: 4 })
    expect(await rest.get('runs/none')).toMatchObject({ status: 400, body: { code: 'validation_failed' } })
  },
)
