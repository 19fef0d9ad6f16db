import type { Model } from '../ports/model.ts'
import type { Worker } from '../worker/worker.ts'
import type { WorkerOptions } from './agent-runtime.ts'
import type { Lifetime } from './create-lifetime.ts'
import { createWorker } from './create-worker.ts'
import { prepareModel } from './prepare-model.ts'

type WorkerPorts = Parameters<typeof createWorker>[0]
type WorkerSettings = Omit<Parameters<typeof createWorker>[1], 'options'>

interface Wiring extends WorkerSettings {
  lifetime: Pick<Lifetime, 'start' | 'assertNotStopped'>
  /** Workers are added to it before they start, so that a stop in between stops them too. */
  workers: Set<Worker>
  getModel(): Model
  /** Whether the runtime was told which model to use. */
  isModelDemanded: boolean
}

/** The runtime's `startWorker`. */
export function createStartWorker(ports: Omit<WorkerPorts, 'llm'>, wiring: Wiring) {
  const { lifetime, workers, getModel, isModelDemanded, ...settings } = wiring
  return async (options: WorkerOptions = {}): Promise<Worker> => {
    await lifetime.start()
    lifetime.assertNotStopped()
    const llm = getModel()
    await prepareModel(llm, { isDemanded: isModelDemanded, log: ports.log })
    const worker = createWorker({ ...ports, llm }, { ...settings, options })
    workers.add(worker)
    await worker.start()
    lifetime.assertNotStopped()
    return worker
  }
}
