import { expect } from 'vitest'
import { createWorkspace, runCli } from './cli.ts'
import type { CliProcess } from './cli.ts'

/** Two worker processes. */
export interface MortalWorkers extends AsyncDisposable {
  /**
   * Whenever this much is done, kills one of them in the middle of its work, and starts another.
   *
   * @param done how much is done by now
   */
  killAt(amounts: readonly number[], done: () => Promise<number> | number): Promise<void>
}

/** @param entry the source of the file with the runtime */
export async function startMortalWorkers(
  entry: string,
  { databaseUrl }: { databaseUrl: string },
): Promise<MortalWorkers> {
  const stack = new AsyncDisposableStack()
  await using unlessStarted = new AsyncDisposableStack()
  unlessStarted.defer(() => stack.disposeAsync())
  const folder = stack.use(await createWorkspace())
  await folder.write('entry.ts', entry)
  const start = async (): Promise<CliProcess> => {
    const env = { DATABASE_URL: databaseUrl }
    const worker = stack.use(runCli(['worker', 'entry.ts'], { cwd: folder.path, env }))
    await worker.printed(/Working/)
    return worker
  }
  const workers = await Promise.all([start(), start()])
  unlessStarted.move()
  return {
    async killAt(amounts, done) {
      for (const [index, amount] of amounts.entries()) {
        await expect.poll(done, { timeout: 120_000, interval: 5 }).toBeGreaterThanOrEqual(Math.floor(amount))
        workers[index % 2]?.killAll('SIGKILL')
        workers[index % 2] = await start()
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
