// Compiles the package into dist/ from nothing, so that no file of an earlier build is packed.
import { execFileSync } from 'node:child_process'
import { chmod, rm } from 'node:fs/promises'
import { vendorPrisma } from './vendor-prisma.ts'

await rm('dist', { recursive: true, force: true })
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' })
await vendorPrisma('dist/server/postgres/prisma')
await chmod('dist/server/cli/main.js', 0o755)
