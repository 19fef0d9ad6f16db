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

/** @throws CliError unless `folder` holds a page and Vite is installed for it. */
export function findWebPage(folder: string): { root: string; vite: string } {
  const page = resolve(folder)
  if (!existsSync(join(page, 'index.html'))) {
    throw new CliError(`--web: ${folder} has no index.html, so it is no folder of a Vite app.`)
  }
  // Vite knows files by their true paths, and what it serves by them.
  const root = realpathSync(page)
  try {
    const resolveVite = createRequire(join(root, 'package.json')).resolve
    return { root, vite: resolveVite('vite', { paths: [root, process.cwd()] }) }
  } catch (cause) {
    throw new CliError(`--web needs Vite to serve ${folder}: run \`npm install -D vite\`.`, { cause })
  }
}

/** Vite's own, which a list replaces, and the folder of the database, whose superuser's password lies there. */
const DENIED = [
  ...['.env', '.env.*', '*.{crt,pem,key,p12,pfx,cer,der}', '.npmrc', '.yarnrc.yml', '**/.git/**'],
  '**/.agent-runtime/**',
]

const LEADS_OUT =
  "A symbolic link leads from this out of the page's folder. server.fs.allow in its vite.config would allow that.\n"

/**
 * Serves a Vite app, with its hot updates, on the connections of `server`, and no file outside of its folder except what its
 * modules import, and what packages bring: fonts and images their styles name. A link is what it leads to. Its vite.config may
 * allow more by `server.fs.allow`.
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
      // The API is on the same origin. Vite lets pages of every port of this machine read.
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
 * Pages of one project share Vite's cache of packages, and a server empties it when another page wrote it. A page that is open then
 * gets no packages any more. So each page has a cache of its own, unless its vite.config names one.
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

/** Where Node looks for the packages of a module in `root`. */
function packageFolders(root: string): string[] {
  const folders = createRequire(join(root, 'package.json')).resolve.paths('vite') ?? []
  const existing = folders.filter((folder) => basename(folder) === 'node_modules' && existsSync(folder))
  return existing.flatMap((folder) => [folder, realpathSync(folder)])
}
