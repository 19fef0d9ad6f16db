import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { query } from './driver/target-database.ts'

/** What results depend on besides the code. */
export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  platform: string
  node: string
  postgres: string
  /** Settings that determine the cost of a commit. */
  postgresSettings: Record<string, string>
  /** With `-dirty` if files differ from it. */
  commit: string
  date: string
}

export async function describeMachine(databaseUrl: string): Promise<Machine> {
  const settings = await query(
    databaseUrl,
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('fsync', 'full_page_writes', 'server_version', 'synchronous_commit') ORDER BY name`,
  )
  const values = Object.fromEntries(settings.map(({ name, setting }) => [String(name), String(setting)]))
  const { server_version: postgres = 'unknown', ...postgresSettings } = values
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres,
    postgresSettings,
    commit: readCommit(),
    date: new Date().toISOString(),
  }
}

function readCommit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--abbrev=12', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    // Without a checkout or git, the results count too.
    return 'unknown'
  }
}
