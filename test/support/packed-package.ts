// The package as it is published, packed once for all tests that install it.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { env, root } from './packed-app.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the packed package. */
    tarball: string
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'packed-'))
  await promisify(execFile)('npm', ['pack', '--pack-destination', folder], { cwd: root, env })
  const [name = ''] = await readdir(folder)
  provide('tarball', join(folder, name))
  return () => rm(folder, { recursive: true, force: true })
}
