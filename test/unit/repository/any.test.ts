// No type that the package exports, or that one of those names, is `any` somewhere: what is `any` is checked by nobody.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { linkDeclarations } from '../../../scripts/link-declarations.ts'
import { findAny } from './find-any.ts'

/** Of entries that are code. */
const ENTRIES = Object.values(packageJson.exports).flatMap((entry) =>
  typeof entry === 'string' ? [] : entry.types,
)

test('no exported type is any', { timeout: 600_000 }, async () => {
  await using app = await linkDeclarations()
  const self = join(app.folder, 'node_modules/trpc-agent-runtime')
  const found = findAny(
    ENTRIES.map((types) => join(self, types)),
    join(self, 'dist'),
  )
  expect(found.visited).toBeGreaterThan(500)
  expect(found.places).toEqual([])
})

test('any is found wherever it is', () => {
  const own = fileURLToPath(new URL('../../fixtures/any', import.meta.url))
  expect(findAny([join(own, 'index.d.ts')], own).places.map((place) => place.split(': ')[0])).toEqual([
    'index.d.ts:14',
    'index.d.ts:15',
    'index.d.ts:16',
    'index.d.ts:18',
    'named.d.ts:2',
  ])
})
