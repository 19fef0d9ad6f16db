/** Who created a run, and who asks for it. */
export interface Principal {
  /** Stable id of the owner; runs and conversations are visible to their owner alone. */
  id: string
  /** Separates customers in a shared database. Default: `''`. */
  tenantId: string
  kind: 'user' | 'anonymous' | 'public'
}

/** Who everybody is where nobody has to say who they are. */
export const PUBLIC_PRINCIPAL: Principal = { id: 'public', tenantId: '', kind: 'public' }
