import type { Owner } from './owner.ts'

/** How many runs may be queued or under way at once. Null means no limit. */
export interface RunsAtOnce {
  /** For one owner. */
  principal: number | null
  /** For all owners of a tenant together. */
  tenant: number | null
}

/**
 * The limits of an owner's runs. The empty tenant and the public principal have no limit: it would limit the whole
 * installation.
 */
export function limitsOf({ tenantId, kind }: Owner, { principal, tenant }: RunsAtOnce): RunsAtOnce {
  return { principal: kind === 'public' ? null : principal, tenant: tenantId === '' ? null : tenant }
}

export function isLimited(owner: Owner, runsAtOnce: RunsAtOnce): boolean {
  const { principal, tenant } = limitsOf(owner, runsAtOnce)
  return principal !== null || tenant !== null
}
