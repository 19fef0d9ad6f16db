import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CliError } from './cli-error.ts'
import type { RequestListener } from './http-server.ts'

export interface WebPage {
  listener: RequestListener
  stop(): Promise<void>
}

/** @throws CliError unless `folder` holds a page and Vite is installed for it. */
export function findWebPage(folder: string): { root: string; vite: string } {
  const root = resolve(folder)
  if (!existsSync(join(root, 'index.html'))) {
    throw new CliError(`--web: ${folder} has no index.html, so it is no folder of a Vite app.`)
  }
  try {
    const resolveVite = createRequire(join(root, 'package.json')).resolve
    return { root, vite: resolveVite('vite', { paths: [root, process.cwd()] }) }
  } catch (cause) {
    throw new CliError(`--web needs Vite to serve ${folder}: run \`npm install -D vite\`.`, { cause })
  }
}

/** Serves a Vite app, with its hot updates, on the connections of `server`. */
export async function startWebPage(
  { root, vite }: { root: string; vite: string },
  server: Server,
): Promise<WebPage> {
  const { createServer }: typeof import('vite') = await import(pathToFileURL(vite).href)
  const app = await createServer({
    root,
    appType: 'spa',
    clearScreen: false,
    logLevel: 'warn',
    server: { middlewareMode: true, ws: { server } },
  })
  return { listener: app.middlewares, stop: () => app.close() }
}
