// Puts the part of Prisma's runtime that the generated client needs into dist/, beside it. The package @prisma/client
// holds the runtime for five databases, in two sizes, each as CommonJS and as a module: 72 MB, of which this is 5.
import { createRequire } from 'node:module'
import { copyFile, glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const SPECIFIER = /(["'])@prisma\/client\/runtime\/([\w.-]+)\1/g

/** @param prisma the folder in dist/ that holds the generated client. */
export async function vendorPrisma(prisma: string): Promise<void> {
  const installed = dirname(createRequire(import.meta.url).resolve('@prisma/client/package.json'))
  const vendored = join(prisma, 'runtime')
  await mkdir(vendored, { recursive: true })
  await copyFile(join(installed, 'LICENSE'), join(vendored, 'LICENSE'))

  const copied = new Set<string>()
  for await (const file of glob(join(prisma, 'generated/**/*.{js,d.ts}'))) {
    const up = file.slice(prisma.length + 1).split('/').length - 1
    const text = await readFile(file, 'utf8')
    const rewritten = text.replaceAll(SPECIFIER, (_, quote: string, specifier: string) => {
      const name = specifier.replace(/\.mjs$/, '')
      copied.add(name)
      return `${quote}${'../'.repeat(up)}runtime/${name}.mjs${quote}`
    })
    if (rewritten !== text) await writeFile(file, rewritten)
  }
  for (const name of copied) {
    const code = await readFile(join(installed, 'runtime', `${name}.mjs`), 'utf8')
    // The map is not copied: tools would warn that it is missing.
    await writeFile(join(vendored, `${name}.mjs`), code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
    await copyFile(join(installed, 'runtime', `${name}.d.mts`), join(vendored, `${name}.d.mts`)).catch(
      ignoreMissing,
    )
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
