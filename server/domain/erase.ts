import { z } from 'zod'
import { parseInput } from '../contract/parse-input.ts'
import { OWNER_FIELDS } from '../contract/principal.ts'
import type { Owner } from '../contract/principal.ts'
import type { Logger } from '../ports/logger.ts'
import type { DeleteAll, Deleted } from './delete-all.ts'

// Strict, so that an id that was left undefined does not erase a whole tenant.
const Erased = z.union([z.strictObject(OWNER_FIELDS), z.strictObject({ tenantId: z.string() })], {
  error: 'give the id, tenantId and kind of a principal, or the tenantId alone',
})

/**
 * Deletes all runs, conversations, files, schedules and memories of a principal, or of a whole tenant. Runs under way
 * are stopped, and their streams end. Data that is created meanwhile may stay, so revoke access first. If it breaks
 * off, another call continues.
 *
 * @returns how many of each were deleted.
 * @throws AgentRuntimeError `validation_failed`
 * @example
 * const { conversations, runs, files, schedules, memories } = await runtime.erase({ id: 'ada', tenantId: 'acme', kind: 'user' })
 */
export type Erase = (whose: Owner | { tenantId: string }) => Promise<Deleted>

interface ErasePorts {
  deleteAll: DeleteAll
  sweepFiles(): Promise<void>
  log: Logger
}

export function createErase({ deleteAll, sweepFiles, log }: ErasePorts): Erase {
  return async (given) => {
    const whose = parseInput(Erased, given)
    const deleted = await deleteAll('id' in whose ? { owner: whose } : { tenant: whose.tenantId })
    await sweepFiles()
    log.info({ whose, ...deleted }, 'all data of a principal or tenant was deleted')
    return deleted
  }
}
