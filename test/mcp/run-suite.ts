import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12'

const Checks = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }))

/** Runs the protocol's suite. Returns the failures of each of its scenarios. */
export async function runSuite(side: 'client' | 'server', args: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
  try {
    const run = ['--yes', `--package=${SUITE}`, 'conformance', side, '--suite', 'all', ...args, '-o', folder]
    // It exits with 1, since not all of it applies.
    await promisify(execFile)('npx', run, { maxBuffer: 2 ** 26 }).catch((error: Error) => {
      if (!('stdout' in error) || !/=== .*SUMMARY ===/.test(String(error.stdout))) throw error
    })
    return await failuresIn(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function failuresIn(folder: string): Promise<Map<string, string[]>> {
  const failures = new Map<string, string[]>()
  const files = await readdir(folder, { recursive: true })
  for (const file of files.filter((name) => name.endsWith('checks.json'))) {
    const checks = Checks.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
    const failed = checks.filter(({ status }) => status === 'FAILURE')
    if (failed.length === 0) continue
    const scenario = dirname(file)
      .replace(/^server-/, '')
      .replace(/-\d{4}-\d\d-\d\dT.*$/, '')
    failures.set(
      scenario,
      failed.map(({ id, errorMessage }) => `${id}: ${errorMessage}`),
    )
  }
  return failures
}
