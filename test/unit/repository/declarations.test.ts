// An app that is compiled with `declaration: true` exports what it made of the package. Types that no entry
// exports can't be written into its declarations, which shows in a package only: here it is built and linked.
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
