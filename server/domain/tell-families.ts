import type { EventBus } from '../ports/event-bus.ts'
import type { ToldFamilies } from '../ports/family.ts'
import type { Logger } from '../ports/logger.ts'
import type { FamilyStore } from '../ports/store/family-store.ts'
import { cancelHintsOf } from './hints.ts'
import type { LetIn } from './let-in.ts'
import { logEnded } from './log-ended.ts'
import type { PassOn } from './pass-on.ts'

interface TellPorts {
  store: Pick<FamilyStore, 'tellFamilies'>
  bus: Pick<EventBus, 'publish'>
  letIn: LetIn
  passOn: PassOn
  log: Logger
}

/**
 * Tells the families of these runs their news. Without ids it tells all untold news, since a process may have died
 * before it did so. Never rejects.
 */
export type TellFamilies = (runIds?: readonly string[]) => Promise<void>

/** Each round goes one level further, up or down. */
const MAX_ROUNDS = 100

export function createTellFamilies(ports: TellPorts): TellFamilies {
  return async (runIds) => {
    const leftBy = new Set<string>()
    try {
      let next: readonly string[] | null = runIds ?? null
      for (let round = 0; round < MAX_ROUNDS && next?.length !== 0; round += 1) {
        const told: ToldFamilies = await ports.store.tellFamilies(next)
        publish(ports, told)
        for (const runId of told.leftBy) leftBy.add(runId)
        next = told.next
      }
    } catch (error) {
      ports.log.warn({ err: error }, 'telling the news of families failed; upkeep tells it a moment later')
    }
    // Upkeep looks for all that is left by itself, a page at a time.
    if (runIds !== undefined && leftBy.size > 0) await ports.passOn([...leftBy])
  }
}

function publish({ bus, letIn, log }: TellPorts, { changed, deleted }: ToldFamilies): void {
  logEnded(changed, log)
  bus.publish([
    ...cancelHintsOf(changed),
    ...deleted.map(({ id }) => ({ kind: 'deleted' as const, runId: id })),
  ])
  for (const { owner } of [...changed, ...deleted]) void letIn(owner)
}
