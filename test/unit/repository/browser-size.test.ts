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
const TRPC = ['@trpc/client', '@trpc/server/observable']
const REACT = ['@tanstack/react-query', 'react', 'react/jsx-runtime']

interface Size {
  today: number
  atMost: number
}

interface Budget {
  entries: string[]
  /** In bytes after gzip: what is loaded with the page. */
  first: Size
  /** With what is loaded when it is first needed: streams, files that are sent, tools that the page runs. */
  all: Size
  peers: string[]
}

const BUDGETS: Budget[] = [
  {
    entries: ['client'],
    first: { today: 12_033, atMost: 12_100 },
    all: { today: 20_383, atMost: 20_450 },
    peers: TRPC,
  },
  {
    entries: ['react'],
    first: { today: 9_674, atMost: 9_700 },
    all: { today: 9_674, atMost: 9_700 },
    peers: [...REACT, '@trpc/client'].toSorted(),
  },
  {
    entries: ['client', 'react'],
    first: { today: 19_614, atMost: 19_684 },
    all: { today: 28_093, atMost: 28_153 },
    peers: [...REACT, ...TRPC].toSorted(),
  },
  {
    entries: ['react/queries'],
    first: { today: 1_310, atMost: 1_400 },
    all: { today: 1_310, atMost: 1_400 },
    peers: ['@tanstack/react-query', '@trpc/client'],
  },
]

beforeEach(() => {
  // Otherwise the development version of JSX is bundled.
  vi.stubEnv('NODE_ENV', 'production')
  return () => vi.unstubAllEnvs()
})

test.each(BUDGETS)('$entries is no larger than its budget', async ({ entries, first, all, peers }) => {
  const page = await bundle(entries)
  expect(page.imports).toEqual(peers)
  expectWithin(first, page.first, `${entries.join(' and ')}, as loaded with the page,`)
  expectWithin(all, page.all, `${entries.join(' and ')}, with all that may be loaded later,`)
})

function expectWithin({ today, atMost }: Size, size: number, what: string): void {
  if (size <= atMost) return
  throw new Error(
    `${what} has ${size} bytes after gzip. The budget is ${atMost}; it was ${today} when that was set. ` +
      'Find what the change adds. Where that is worth it, raise both figures in this file, and say why in the commit.',
  )
}

async function bundle(entries: string[]): Promise<{ first: number; all: number; imports: string[] }> {
  const page = 'virtual:page'
  const result = await build({
    configFile: false,
    root: ROOT,
    logLevel: 'silent',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id.endsWith(page) ? page : undefined),
        load: (id) =>
          id === page
            ? entries.map((entry) => `export * from '${ROOT}/${entry}/index.ts'`).join('\n')
            : undefined,
      },
    ],
    build: {
      write: false,
      minify: true,
      lib: { entry: page, formats: ['es'], fileName: 'page' },
      rolldownOptions: {
        external: PEERS.map((name) => new RegExp(`^${name}(/|$)`)),
        // Vite leaves spaces in a library, which is for others to bundle.
        output: { minify: true },
      },
    },
  })
  const outputs = [result].flat() as Rolldown.RolldownOutput[]
  const chunks = outputs.flatMap(({ output }) => output.filter((file) => file.type === 'chunk'))
  const first = new Set(chunks.filter(({ isEntry }) => isEntry))
  // A set is gone through with what is added meanwhile.
  for (const { imports } of first) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) first.add(chunk)
  }
  const names = new Set(chunks.map(({ fileName }) => fileName))
  const imports = new Set(chunks.flatMap((chunk) => chunk.imports).filter((name) => !names.has(name)))
  return { first: sizeOf([...first]), all: sizeOf(chunks), imports: [...imports].toSorted() }
}

const sizeOf = (chunks: readonly Rolldown.OutputChunk[]): number =>
  gzipSync(chunks.map(({ code }) => code).join('\n')).length
