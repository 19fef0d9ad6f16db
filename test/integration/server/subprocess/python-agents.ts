import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { subprocessAgent } from '../../../../server/frameworks/subprocess/index.ts'
import type { ProcessSettings } from '../../../../server/frameworks/subprocess/index.ts'
import type { LogEntry } from '../../../support/silent-logger.ts'

export const PROGRAM = fileURLToPath(new URL('../../../fixtures/subprocess/agents.py', import.meta.url))

/** One of the agents of the Python program. Its processes end with the worker's. */
export const pythonAgent = (key: string, settings: Partial<ProcessSettings> = {}) =>
  subprocessAgent({
    key,
    command: 'python3',
    args: [PROGRAM],
    events: { progress: { schema: z.object({ percent: z.number() }) } },
    ...settings,
  })

/** A file in which agents note what they did. */
export async function createNotes() {
  const folder = await mkdtemp(join(tmpdir(), 'subprocess-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'notes')
  return {
    path,
    read: async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(Boolean),
  }
}

/** The logged reason why an attempt failed. */
export function failureIn(log: readonly LogEntry[], when = 'the agent failed'): Error {
  const entry = log.find(({ message }) => message === when)
  return (entry?.fields ?? {})['err'] as Error
}

/** Whether a process exists, and is no zombie. */
export async function isThere(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return state !== undefined && !/\) [ZX] /.test(state)
}
