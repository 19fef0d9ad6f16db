// What `dev` shows, and to whom. It has no authentication, and a foreign page in a browser on the same
// machine can reach it.
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, readFile, realpath, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createWorkspace, entry, startDev, webFixture } from '../../support/cli.ts'
import type { Workspace } from '../../support/cli.ts'
import { childrenOf } from '../../support/processes.ts'
import { refusalOf } from '../../support/raw-socket.ts'
import { createRun, follow } from '../../support/rest.ts'

vi.setConfig({ testTimeout: 120_000 })

interface Asked {
  path?: string
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string
}

/** Sends the request as it is: `fetch` would normalise paths and hosts. */
async function ask(url: string, { path = '/', method = 'GET', headers = {}, body }: Asked) {
  const { hostname, port } = new URL(url)
  const request = httpRequest({ hostname, port, path, method, headers, agent: false }).end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, text }
}

const NODE_MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** A project with a page, secrets beside it, and a package whose styles name one of its files. */
async function createProject(pageFolder: string): Promise<Workspace> {
  const folder = await createWorkspace()
  await folder.write('package.json', '{ "type": "module" }')
  await folder.write('.env', 'KEY=the-secret-of-env')
  await folder.write('settings.ts', "export const key = 'the-secret-of-settings'")
  await folder.write('shared.ts', "export const greeting = 'shared with the page'")
  await folder.write('node_modules/fonts/package.json', '{ "name": "fonts", "type": "module" }')
  await folder.write('node_modules/fonts/fonts.css', "@font-face { font-family: a; src: url('./a.woff2') }")
  await folder.write('node_modules/fonts/a.woff2', 'the font')
  await symlink(join(NODE_MODULES, 'vite'), join(folder.path, 'node_modules/vite'))
  const page = (name: string): string => join(pageFolder, name)
  await folder.write(page('index.html'), '<title>Page</title><script type="module" src="/main.ts"></script>')
  const shared = pageFolder === '.' ? './shared.ts' : '../shared.ts'
  await folder.write(
    page('main.ts'),
    `import 'fonts/fonts.css'\nimport { greeting } from '${shared}'\nconsole.log(greeting)`,
  )
  return folder
}

test.each([['web'], ['.']])('with --web %s, nobody is shown the database’s password', async (pageFolder) => {
  await using folder = await createProject(pageFolder)
  await using dev = await startDev([entry('working'), '--port', '0', '--web', pageFolder], {
    cwd: folder.path,
  })
  const here = await realpath(folder.path)
  const password = (await readFile(join(here, '.agent-runtime/postgres/password'), 'utf8')).trim()
  expect(password).toHaveLength(32)

  const up = '.agent-runtime/postgres/password'
  const paths = [
    `/@fs${here}/${up}`,
    `/@fs/${here}/${up}`,
    `/${up}`,
    `/../${up}`,
    `/..%2f${up}`,
    `/%2e%2e/${up}`,
  ]
  paths.push(`/@fs${here}/.agent-runtime%2fpostgres/password`, `/@fs${here}/.AGENT-RUNTIME/postgres/password`)
  paths.push(`/@fs${here}/web/../${up}`, `/@id/${here}/${up}`, `/@fs${here}/.env`, '/.env')
  if (pageFolder === 'web') {
    paths.push(`/@fs${here}/settings.ts`, `/@id/${here}/settings.ts`, '/../settings.ts', '/@fs/etc/passwd')
  }
  const secrets = [
    password,
    Buffer.from(password).toString('base64').slice(0, 30),
    'the-secret-of',
    'root:x:',
  ]
  const shown: string[] = []
  for (const path of paths) {
    for (const query of ['', '?raw', '?import&raw', '?raw&import', '?url', '?inline', '?import&url&inline']) {
      const { text } = await ask(dev.url, { path: path + query })
      if (secrets.some((secret) => text.includes(secret))) shown.push(path + query)
    }
  }
  expect(shown).toEqual([])
})

test('a link is served as what it leads to', async () => {
  await using folder = await createProject('web')
  const link = (target: string, path: string): Promise<void> =>
    symlink(target, join(folder.path, 'web', path))
  await folder.write('secrets/key.txt', 'the-secret-of-a-folder')
  await folder.write('secrets/index.html', '<p>the-secret-of-a-page</p>')
  await folder.write('web/inside.txt', 'inside of the page')
  await folder.write('web/public/a.txt', 'public')
  await folder.write(
    'web/vite.config.js',
    "export default { resolve: { alias: { '/@here': import.meta.dirname } }, server: { fs: { allow: ['../brand'] } } }",
  )
  await folder.write('brand/logo.txt', 'a logo')
  await link('../brand', 'brand')
  await link('../secrets', 'data')
  await link('../secrets/key.txt', 'key.txt')
  await link('../secrets/key.txt', 'a key.txt')
  await link('../settings.ts', 'settings.ts')
  await link('../.env', 'environment')
  await link('../../secrets/key.txt', 'public/key2.txt')
  await link('../secrets/index.html', 'about.html')
  await link('inside.txt', 'link-to-inside.txt')
  await symlink('../secrets', join(folder.path, 'node_modules/secrets'))
  // A link, like pnpm makes.
  await folder.write('node_modules/.pnpm/icons@1/node_modules/icons/icon.txt', 'an icon')
  await symlink('.pnpm/icons@1/node_modules/icons', join(folder.path, 'node_modules/icons'))
  await mkdir(join(folder.path, 'web/node_modules'))
  await link('../../node_modules/icons', 'node_modules/icons')
  await using dev = await startDev([entry('working'), '--port', '0', '--web', 'web'], { cwd: folder.path })
  const here = await realpath(folder.path)

  const paths = [
    '/key.txt',
    '/a%20key.txt',
    '/data/key.txt',
    '/d%61ta/key.txt',
    '/data/../key.txt',
    '/@here/key.txt',
  ]
  paths.push(
    '/settings.ts',
    '/environment',
    '/key2.txt',
    '/public/key2.txt',
    '/about.html',
    '/about',
    '/data/',
  )
  paths.push(
    '/data%2findex.html',
    '/data/index.html',
    `/@fs${here}/web/key.txt`,
    `/@fs${here}/web/data/key.txt`,
  )
  paths.push(
    `/@fs${here}/node_modules/secrets/key.txt`,
    '/node_modules/../key.txt',
    '//key.txt',
    '/./key.txt',
  )
  const shown: string[] = []
  for (const path of paths) {
    for (const query of ['', '?raw', '?import&raw', '?import', '?url', '?inline', '#x']) {
      const { text } = await ask(dev.url, { path: path + query })
      if (/the-secret-of|dGhlLXNlY3JldC1vZ/.test(text)) shown.push(path + query)
    }
  }
  expect(shown).toEqual([])
  expect(await ask(dev.url, { path: '/data/key.txt' })).toMatchObject({
    status: 403,
    text: expect.stringContaining('server.fs.allow'),
  })

  // Routes of the page have names like paths elsewhere: /bin is a link on most machines.
  expect(await ask(dev.url, { path: '/bin/sh' })).toMatchObject({ status: 200 })
  const served = {
    '/link-to-inside.txt': 'inside of the page',
    '/brand/logo.txt': 'a logo',
    '/a.txt': 'public',
    [`/@fs${here}/node_modules/icons/icon.txt`]: 'an icon',
    '/node_modules/icons/icon.txt': 'an icon',
  }
  for (const [path, text] of Object.entries(served)) {
    expect(await ask(dev.url, { path })).toMatchObject({ status: 200, text })
  }
})

test('what the page imports is served, from wherever it comes', async () => {
  await using folder = await createProject('web')
  await using dev = await startDev([entry('working'), '--port', '0', '--web', 'web'], { cwd: folder.path })
  const main = await ask(dev.url, { path: '/main.ts' })
  const imported = [...main.text.matchAll(/(?:from|import) "([^"]+)"/g)].map(([, path = '']) => path)
  const shared = await ask(dev.url, { path: imported.find((path) => path.includes('shared.ts')) ?? '' })
  expect(shared.text).toContain('shared with the page')
  const styles = await ask(dev.url, { path: imported.find((path) => path.includes('fonts.css')) ?? '' })
  const [, font = ''] = /url\(\\?["']?([^"')\\]+)/.exec(styles.text) ?? []
  expect(await ask(dev.url, { path: font })).toMatchObject({ status: 200, text: 'the font' })
})

const ROUTES = [
  { path: '/' },
  { path: '/main.ts' },
  { path: '/@vite/client' },
  { path: '/healthz' },
  { path: '/api/agents/runs' },
  { path: '/api/agents/runs', method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
  { path: '/trpc/runs.list' },
]
const SOCKETS: [path: string, protocol?: string][] = [['/trpc'], ['/', 'vite-hmr'], ['/', 'vite-ping']]

test.each([['reload'], ['no-reload']])('dev --%s answers to its own names alone', async (mode) => {
  await using folder = await createWorkspace()
  const args = [entry('working'), '--port', '0', '--web', webFixture, '--allowed-hosts', 'dev.example.com']
  await using dev = await startDev(mode === 'reload' ? args : [...args, '--no-reload'], { cwd: folder.path })
  const { port } = new URL(dev.url)
  const socketUrl = dev.url.replace('http', 'ws')
  const viteClient = await ask(dev.url, { path: '/@vite/client' })
  const token = /wsToken = "([^"]+)"/.exec(viteClient.text)?.[1]

  for (const { headers, ...route } of ROUTES) {
    for (const foreign of [
      { host: `evil.example:${port}` },
      { host: `127.0.0.1.evil.example:${port}` },
      { origin: 'http://evil.example' },
      { origin: 'null' },
    ]) {
      const { status, text } = await ask(dev.url, { ...route, headers: { ...headers, ...foreign } })
      expect({ ...route, foreign, status }).toEqual({ ...route, foreign, status: 403 })
      expect(text).toMatch(/^(This server is not called|Pages of) .* --allowed-hosts \S+ would allow it\.\n$/)
    }
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'app.localhost', 'dev.example.com', '192.0.2.7']) {
      const { status } = await ask(dev.url, { ...route, headers: { ...headers, host: `${name}:${port}` } })
      expect({ ...route, name, isRefused: status === 403 }).toEqual({ ...route, name, isRefused: false })
    }
  }
  for (const [path, protocol] of SOCKETS) {
    const url = `${socketUrl}${path}?token=${token}`
    const open = (headers: Record<string, string>) => new WebSocket(url, protocol ?? [], { headers })
    for (const headers of [{ host: `evil.example:${port}` }, { origin: 'http://evil.example' }]) {
      const [, response] = (await once(open(headers), 'unexpected-response')) as [unknown, IncomingMessage]
      response.resume()
      expect({ path, protocol, headers, status: response.statusCode }).toMatchObject({ status: 403 })
    }
    const socket = open({ host: `dev.example.com:${port}` })
    await once(socket, 'open')
    socket.terminate()
  }

  for (const child of mode === 'reload' ? childrenOf(dev.pid, 'node') : []) {
    const ports = listeningPortsOf(child)
    expect(ports).toHaveLength(1)
    for (const port of ports) {
      const { status } = await ask(`http://127.0.0.1:${port}`, {
        path: '/healthz',
        headers: { host: `evil.example:${port}` },
      })
      expect(status).toBe(403)
      const refusal = await refusalOf(`ws://127.0.0.1:${port}/trpc`, { headers: { host: 'evil.example' } })
      expect(refusal.status).toBe(403)
    }
  }
  await follow(dev.url, await createRun(dev.url, 'echo'), /You said/)
})

test('no page of another port may read what dev serves', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), '--port', '0', '--web', webFixture], {
    cwd: folder.path,
  })
  for (const path of ['/', '/main.ts', '/@vite/client']) {
    const { status, headers } = await ask(dev.url, { path, headers: { origin: 'http://localhost:9' } })
    expect({ path, status, allowed: headers['access-control-allow-origin'] }).toEqual({ path, status: 200 })
  }
})

/** Ports of the loopback where a process listens, from Linux. */
function listeningPortsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`
  const files = new Set(readdirSync(folder).map((name) => targetOf(join(folder, name))))
  const LISTENING = '0A'
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENING && files.has(`socket:[${inode}]`))
    .map(([, address = '']) => Number.parseInt(address.split(':')[1] ?? '', 16))
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    // Closed since then.
    return ''
  }
}
