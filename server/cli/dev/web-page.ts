import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'
import { CliError } from '../cli-error.ts'
import type { RequestListener } from '../http-server.ts'
import { leadsOutOf } from './page-links.ts'

export interface WebPage {
  listener: RequestListener
  stop(): Promise<void>
}

/** @throws CliError unless `folder` has a page and Vite is installed for it. */
export function findWebPage(folder: string): { root: string; vite: string } {
  const page = resolve(folder)
  if (!existsSync(join(page, 'index.html'))) {
    throw new CliError(`--web: ${folder} has no index.html, so it is no folder of a Vite app.`)
  }
  // Vite identifies files, and what it may serve, by their real paths.
  const root = realpathSync(page)
  try {
    const resolveVite = createRequire(join(root, 'package.json')).resolve
    return { root, vite: resolveVite('vite', { paths: [root, process.cwd()] }) }
  } catch (cause) {
    throw new CliError(`--web needs Vite to serve ${folder}: run \`npm install -D vite\`.`, { cause })
  }
}

/**
 * Vite's own patterns, which a list would replace, and the database's folder, which has the superuser's
 * password.
 */
const DENIED = [
  ...['.env', '.env.*', '*.{crt,pem,key,p12,pfx,cer,der}', '.npmrc', '.yarnrc.yml', '**/.git/**'],
  '**/.agent-runtime/**',
]

const LEADS_OUT =
  "A symbolic link leads from this out of the page's folder. server.fs.allow in its vite.config would allow that.\n"

/**
 * Serves a Vite app, with its hot updates, on the connections of `server`. Outside of its folder it serves
 * only files that its modules import, and files of packages, such as fonts and images of their styles. A link
 * counts as its target. The app's vite.config may allow more with `server.fs.allow`.
 */
export async function startWebPage(
  { root, vite }: { root: string; vite: string },
  { server, allowedHosts }: { server: Server; allowedHosts: readonly string[] },
): Promise<WebPage> {
  const { createServer, isFileLoadingAllowed }: typeof import('vite') = await import(pathToFileURL(vite).href)
  const app = await createServer({
    root,
    appType: 'spa',
    clearScreen: false,
    logLevel: 'warn',
    plugins: [ownCache(root)],
    server: {
      middlewareMode: true,
      ws: { server },
      // The API is on the same origin, so no other origin is needed. By default Vite lets pages of every port
      // of this machine read.
      cors: false,
      allowedHosts: [...allowedHosts],
      fs: { strict: true, allow: [root, ...packageFolders(root)], deny: DENIED },
    },
  })
  return {
    listener: (request, response) => {
      if (!leadsOutOf(app.config, request.url ?? '/', isFileLoadingAllowed)) {
        return app.middlewares(request, response)
      }
      return response.writeHead(403, { 'content-type': 'text/plain' }).end(LEADS_OUT)
    },
    stop: () => app.close(),
  }
}

/**
 * By default all pages of a project share Vite's cache of packages, and a server empties it if another page
 * wrote it. A page that is open then gets no packages any more. So each page gets its own cache, unless its
 * vite.config names one.
 */
function ownCache(root: string): Plugin {
  const [packages] = packageFolders(root)
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12)
  return {
    name: 'agent-runtime:own-cache',
    config: ({ cacheDir }) =>
      cacheDir === undefined && packages !== undefined ? { cacheDir: join(packages, '.vite', name) } : {},
  }
}

/** The folders in which Node looks for packages of a module in `root`. */
function packageFolders(root: string): string[] {
  const folders = createRequire(join(root, 'package.json')).resolve.paths('vite') ?? []
  const existing = folders.filter((folder) => basename(folder) === 'node_modules' && existsSync(folder))
  return existing.flatMap((folder) => [folder, realpathSync(folder)])
}
