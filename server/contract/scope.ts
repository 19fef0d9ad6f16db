import { z } from 'zod'

/** How far a caller sees: what they own, what their tenant's callers own, or everything. Each includes those before it. */
export type Scope = z.infer<typeof Scope>
export const Scope = z.enum(['own', 'tenant', 'any'])

export function isWithin(scope: Scope, widest: Scope): boolean {
  return Scope.options.indexOf(scope) <= Scope.options.indexOf(widest)
}
