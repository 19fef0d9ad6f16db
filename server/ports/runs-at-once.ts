import type { Owner } from './owner.ts'

/** How many runs may be in the queue or under way at once; null where there is no limit. */
export interface RunsAtOnce {
  /** Of one owner. */
  principal: number | null
  /** Of all owners of a tenant together. */
  tenant: number | null
}

/**
 * The limits that an owner's runs have. Where there are no tenants, or nobody says who they are, all are one and the
 * same: a limit would be one of the whole installation.
 */
export function limitsOf({ tenantId, kind }: Owner, { principal, tenant }: RunsAtOnce): RunsAtOnce {
  return { principal: kind === 'public' ? null : principal, tenant: tenantId === '' ? null : tenant }
}

export function isLimited(owner: Owner, runsAtOnce: RunsAtOnce): boolean {
  const { principal, tenant } = limitsOf(owner, runsAtOnce)
  return principal !== null || tenant !== null
}
