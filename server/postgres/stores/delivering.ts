import type { QueuedRun } from '../../ports/queue.ts'
import type { Deliver, Deliveries } from '../deliveries/deliveries.ts'

/** Runs a transaction that may deliver runs, and announces them after the commit. */
export type Delivering = <T>(work: (deliver: Deliver) => Promise<T>) => Promise<T>

export function createDelivering(deliveries: Pick<Deliveries, 'deliver' | 'committed'>): Delivering {
  return async (work) => {
    const delivered: QueuedRun[] = []
    const result = await work((runs, tx) => {
      delivered.push(...runs)
      return deliveries.deliver(runs, tx)
    })
    if (delivered.length > 0) deliveries.committed(delivered)
    return result
  }
}
