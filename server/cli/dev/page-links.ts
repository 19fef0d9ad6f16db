// Vite checks the place of a file's name, not the target of its links.
import { realpathSync } from 'node:fs'
import { join, normalize } from 'node:path'
import type { ResolvedConfig } from 'vite'

/** Whether `url` leads through a symbolic link to a file that `isAllowed` refuses. */
export function leadsOutOf(
  config: ResolvedConfig,
  url: string,
  isAllowed: (config: ResolvedConfig, path: string) => boolean,
): boolean {
  const files = filesNamedBy(url, config).flatMap((file) => {
    const target = targetOf(file)
    return target === undefined ? [] : [{ file, target }]
  })
  const index = join(config.root, 'index.html')
  // Vite answers a path that names no file with the page.
  if (files.length === 0) files.push({ file: index, target: targetOf(index) ?? index })
  return files.some(({ file, target }) => file !== target && !isAllowed(config, target))
}

/** The prefix for files anywhere on the disk. */
const WHOLE = /^\/@(?:fs|id)\/+/

/** All files that Vite may look for: the path as written, as a page, and as a folder's page. */
function filesNamedBy(url: string, config: ResolvedConfig): string[] {
  const path = pathOf(url)
  const inner = path.startsWith(config.base) ? `/${path.slice(config.base.length)}` : path
  const paths = new Set([path, inner, ...aliasesOf(inner, config)].flatMap(decodings))
  return [...paths].flatMap((name) => {
    const isWhole = name.startsWith(config.root) || WHOLE.test(name)
    const places = [join(config.root, name), join(config.publicDir, name)]
    if (isWhole) places.push(normalize(name.replace(WHOLE, '/')))
    return places.flatMap((place) => [place, `${place}.html`, join(place, 'index.html')])
  })
}

function pathOf(url: string): string {
  try {
    // A path may begin with two slashes, which would be read as a host. HTTP also allows a whole URL.
    return new URL(url.startsWith('/') ? `http://localhost${url}` : url).pathname
  } catch {
    return url
  }
}

function aliasesOf(path: string, { resolve }: ResolvedConfig): string[] {
  return resolve.alias.flatMap(({ find, replacement }) => {
    if (typeof find !== 'string') return find.test(path) ? [path.replace(find, replacement)] : []
    return path === find || path.startsWith(`${find}/`) ? [replacement + path.slice(find.length)] : []
  })
}

/** Vite reads some paths with `decodeURI`, and pages with `decodeURIComponent`. */
function decodings(path: string): string[] {
  try {
    return [decodeURI(path), decodeURIComponent(path)]
  } catch {
    return [path]
  }
}

function targetOf(file: string): string | undefined {
  try {
    return realpathSync(file)
  } catch {
    return undefined
  }
}
