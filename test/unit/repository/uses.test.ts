// What an app may write with the package's types, and what must not compile. It uses the declarations, with
// this repository's compiler and with the last version before it.
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { COMPILER_OPTIONS } from '../../../bench/types/compile.ts'
import { linkDeclarations, tsc, tsc5 } from '../../../scripts/link-declarations.ts'

const USES = fileURLToPath(new URL('../../fixtures/uses', import.meta.url))

/** How many lines begin with a mark, in all files of a folder. */
async function count(folder: string, mark: RegExp): Promise<number> {
  const names = await readdir(join(USES, folder))
  const texts = await Promise.all(names.map((name) => readFile(join(USES, folder, name), 'utf8')))
  return texts.join('\n').match(mark)?.length ?? 0
}

test('a wrong use does not compile, and a right one does', { timeout: 600_000 }, async () => {
  expect(await count('wrong', /^ *\/\/ @ts-expect-error \w/gm)).toBeGreaterThanOrEqual(200)
  expect(await count('right', /^ *\/\/ right: \w/gm)).toBeGreaterThanOrEqual(60)

  await using app = await linkDeclarations()
  await cp(USES, app.folder, { recursive: true })
  const compilerOptions = { ...COMPILER_OPTIONS, noUncheckedIndexedAccess: true }
  await writeFile(join(app.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
  // A wrong use that compiles is an error, too: of the directive above it.
  expect(await tsc(app.folder, '--project', '.'), 'TypeScript 7').toBe('')
  expect(await tsc5(app.folder, '--project', '.'), 'TypeScript 5.9').toBe('')
})
