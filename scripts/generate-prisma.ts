// Generates the Prisma client without a download: `prisma generate` insists on a native schema engine
// although the client generator never starts it, so it is pointed at an executable that exists.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const prismaRoot = dirname(createRequire(import.meta.url).resolve('prisma/package.json'))
const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [join(prismaRoot, 'build/index.js'), 'generate', '--no-hints'],
  {
    encoding: 'utf8',
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
  },
)
if (status !== 0) {
  process.stderr.write(stdout + stderr)
  process.exit(1)
}
