// An app compiled with `declaration: true` exports values of the package's types. Types that no entry exports
// cannot be written into its declarations. Only a built package shows this, so here it is built and linked.
import { cp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { linkDeclarations, tsc } from '../../../scripts/link-declarations.ts'

test(
  'whatever an app exports of the package can be named in its declarations',
  { timeout: 600_000 },
  async () => {
    await using app = await linkDeclarations()
    const source = fileURLToPath(new URL('../../fixtures/consumer', import.meta.url))
    await cp(source, app.folder, { recursive: true })
    expect(await tsc(app.folder, '--project', '.', '--skipLibCheck')).toBe('')
  },
)
