// The size that the browser entries add to a page: bundled and minified, with their dependencies, without
// their peers.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import type { Rolldown } from 'vite'
import { beforeEach, expect, test, vi } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PEERS = Object.keys(packageJson.peerDependencies)

/** In bytes after gzip. */
const BUDGETS = [
  { entry: 'client', today: 21_240, atMost: 21_330, peers: ['@trpc/client'] },
  {
    entry: 'react',
    today: 11_283,
    atMost: 11_340,
    peers: ['@tanstack/react-query', '@trpc/client', 'react', 'react/jsx-runtime'],
  },
  {
    entry: 'react/queries',
    today: 1_436,
    atMost: 1_550,
    peers: ['@tanstack/react-query', '@trpc/client'],
  },
]

beforeEach(() => {
  // Otherwise the development version of JSX is bundled.
  vi.stubEnv('NODE_ENV', 'production')
  return () => vi.unstubAllEnvs()
})

test.each(BUDGETS)(
  'the entry for $entry is no larger than its budget',
  async ({ entry, today, atMost, peers }) => {
    const { code, imports } = await bundle(entry)
    const size = gzipSync(code).length
    expect(imports).toEqual(peers)
    if (size <= atMost) return
    throw new Error(
      `trpc-agent-runtime/${entry} has ${size} bytes after gzip. Its budget is ${atMost}; it was ${today} when that was set. ` +
        'Find what the change adds. Where that is worth it, raise both figures in this file, and say why in the commit.',
    )
  },
)

async function bundle(entry: string): Promise<{ code: string; imports: string[] }> {
  const result = await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      lib: { entry: `${entry}/index.ts`, formats: ['es'] },
      rolldownOptions: { external: PEERS.map((name) => new RegExp(`^${name}(/|$)`)) },
    },
  })
  const outputs = [result].flat() as Rolldown.RolldownOutput[]
  const chunks = outputs.flatMap(({ output }) => output.filter((file) => file.type === 'chunk'))
  return {
    code: chunks.map(({ code }) => code).join('\n'),
    imports: [...new Set(chunks.flatMap(({ imports }) => imports))].toSorted(),
  }
}
