// The outcome of a question for each kind of caller.
import type { ColumnName } from './columns.ts'

/** `not_found` also means that a list does not have the thing, or that there is nothing of it. */
export type Outcome = 'ok' | 'not_found' | 'forbidden' | 'unauthorized'
export type Outcomes = Record<ColumnName, Outcome>

const ALL = (outcome: Outcome): Outcomes => ({
  owner: outcome,
  sameTenant: outcome,
  otherTenant: outcome,
  approver: outcome,
  approverElsewhere: outcome,
  admin: outcome,
  anonymousOwner: outcome,
  otherAnonymous: outcome,
  expiredSession: outcome,
  claimedSession: outcome,
  nobody: outcome,
})

/** A caller that nobody knows, or no longer. */
const UNKNOWN = {
  expiredSession: 'unauthorized',
  claimedSession: 'unauthorized',
  nobody: 'unauthorized',
} as const

/** Needs no sign-in. */
export const OPEN = ALL('ok')
/** Needs a sign-in, of any kind. */
export const KNOWN: Outcomes = { ...ALL('ok'), ...UNKNOWN }
const NONE: Outcomes = { ...ALL('not_found'), ...UNKNOWN }
/** Only the owner may, whatever others may do besides. */
export const OWN: Outcomes = { ...NONE, owner: 'ok', anonymousOwner: 'ok' }
export const READ: Outcomes = { ...OWN, approver: 'ok', admin: 'ok' }
/** A ticket has no claims, which make these two known. So their tickets give them nothing. */
export const BY_TICKET: Outcomes = { ...READ, approver: 'not_found', admin: 'not_found' }
export const RESPOND: Outcomes = { ...READ, admin: 'forbidden' }
export const CANCEL: Outcomes = { ...READ, approver: 'forbidden' }
/** Others may see it, and only the owner may change it. */
export const CHANGE: Outcomes = { ...CANCEL, admin: 'forbidden' }
/** The same for things that only users have, and visitors do not. */
export const ofUsers = (outcomes: Outcomes): Outcomes => ({
  ...outcomes,
  anonymousOwner: outcomes.otherAnonymous,
})
/** Needs a user. */
export const USERS: Outcomes = { ...KNOWN, anonymousOwner: 'forbidden', otherAnonymous: 'forbidden' }
/** Needs more than `user` events. */
export const MORE: Outcomes = {
  ...READ,
  approver: 'forbidden',
  admin: 'forbidden',
  anonymousOwner: 'forbidden',
}
const NO_LIST: Outcomes = { ...ALL('forbidden'), ...UNKNOWN }
/** The caller's own tenant, which is another one for some callers. */
export const LIST_TENANT: Outcomes = {
  ...NO_LIST,
  approver: 'ok',
  approverElsewhere: 'not_found',
  admin: 'not_found',
}
export const LIST_ANY: Outcomes = { ...NO_LIST, admin: 'ok' }
/** Users are told here that there is no such session. */
export const CLAIM: Outcomes = { ...NONE, anonymousOwner: 'forbidden', otherAnonymous: 'forbidden' }

/** Without `authorize`, an approver gets what a colleague gets, and an administrator what a stranger gets. */
export function withoutAuthorize(outcomes: Outcomes): Outcomes {
  return {
    ...outcomes,
    approver: outcomes.sameTenant,
    approverElsewhere: outcomes.otherTenant,
    admin: outcomes.otherTenant,
  }
}
