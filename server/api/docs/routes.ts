// The page of the API. Anybody may read it, like the OpenAPI document.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Hono } from 'hono'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { isNotInstalled } from '../../ports/optional-peer.ts'
import type { RestEnv } from '../rest/route.ts'
import { PAGE, SCRIPT, STYLE } from './page.ts'

/**
 * An optional peer, whose files the page loads. Its name is in a variable, so that bundlers do not look for
 * it.
 */
const PEER = 'swagger-ui-dist'

const HTML = 'text/html; charset=utf-8'
const CSS = 'text/css; charset=utf-8'
const JS = 'text/javascript; charset=utf-8'

/** A file that the page loads: its own text, or a file of the peer. */
const ASSETS = new Map<string, { type: string; text?: string }>([
  ['page.css', { type: CSS, text: STYLE }],
  ['page.js', { type: JS, text: SCRIPT }],
  ['swagger-ui.css', { type: CSS }],
  ['swagger-ui-bundle.js', { type: JS }],
])

// Swagger UI writes styles into elements. Scripts come only from files, and nothing comes from elsewhere.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Adds the page below `restPath`, and a redirect to it at `/docs`. */
export function addDocsRoutes(app: Hono<RestEnv>, restPath: string): void {
  const page = `${restPath}/docs`
  app.get(page, async (c) => {
    // Its files are relative to its path with a slash. The redirect is relative too, since a proxy may have
    // put it below a path.
    if (!isFolder(c.req.url)) return moved(`${page.slice(page.lastIndexOf('/') + 1)}/`)
    await readPeer('swagger-ui.css')
    return new Response(PAGE, { headers: { ...HEADERS, 'content-type': HTML } })
  })
  app.get('/docs', (c) => moved(`${isFolder(c.req.url) ? '..' : '.'}${page}/`))
  app.get(`${page}/assets/:name`, async (c) => {
    const name = c.req.param('name')
    const asset = ASSETS.get(name)
    if (asset === undefined) throw new AgentRuntimeError('not_found', 'The page of the API has no such file.')
    const body = asset.text ?? (await readPeer(name))
    return new Response(body, { headers: { ...HEADERS, 'content-type': asset.type } })
  })
}

/** Whether the path ends with a slash, which Hono removes. */
const isFolder = (url: string) => new URL(url).pathname.endsWith('/')

/** A relative address, since the server's own address may differ from the one that the reader uses. */
function moved(location: string): Response {
  return new Response(null, { status: 302, headers: { location } })
}

async function readPeer(name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(createRequire(import.meta.url).resolve(`${PEER}/${name}`)))
  } catch (cause) {
    if (!isNotInstalled(cause)) throw cause
    const message = `The page of the API needs the package ${PEER}: npm install ${PEER}`
    throw new AgentRuntimeError('not_found', message, { cause })
  }
}
