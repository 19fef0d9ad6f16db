import type { Exposition } from '../../ports/metrics.ts'
import type { RuntimeChild } from './runtime-child.ts'

/** Less than the asking process waits itself. */
const ANSWER_WITHIN_MS = 1_000

type Child = Pick<RuntimeChild, 'isMeasuring' | 'isSilent' | 'measured' | 'readMetrics' | 'exited'>

/**
 * Metrics of the processes of isolated runs. Each process ends with its run, so its counts are kept, as one
 * sum: a counter that goes back looks like a restart. For a process that was killed, its last answer counts.
 */
export class IsolatedMetrics {
  readonly #exposition: Exposition
  readonly #running = new Set<Child>()
  #ended: Promise<readonly unknown[]> = Promise.resolve([])

  constructor(exposition: Exposition) {
    this.#exposition = exposition
  }

  follow(child: Child): void {
    this.#running.add(child)
    void child.exited.then(() => {
      this.#running.delete(child)
      this.#ended = this.#ended.then((before) => this.#add(before, child.measured))
    })
  }

  async read(): Promise<unknown[]> {
    // Reads both at one moment, so that a process that ends meanwhile is counted among the running ones.
    const [ended, running] = [this.#ended, [...this.#running]]
    const read = await Promise.all(running.map(readOne))
    return [...(await ended), ...read.flat()]
  }

  async #add(before: readonly unknown[], measured: readonly unknown[] = []): Promise<readonly unknown[]> {
    if (measured.length === 0) return before
    try {
      return [await this.#exposition.sum([...before, ...measured])]
    } catch {
      return before
    }
  }
}

async function readOne(child: Child): Promise<readonly unknown[]> {
  const answer = child.isMeasuring && !child.isSilent ? await child.readMetrics(ANSWER_WITHIN_MS) : undefined
  return answer ?? child.measured ?? []
}
