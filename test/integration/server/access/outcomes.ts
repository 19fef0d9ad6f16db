// What becomes of a question, by who asks.
import type { ColumnName } from './columns.ts'

/** `not_found` is also what is not in a list, or that there is nothing of it. */
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

/** Whom nobody knows, or not any more. */
const UNKNOWN = {
  expiredSession: 'unauthorized',
  claimedSession: 'unauthorized',
  nobody: 'unauthorized',
} as const

/** Needs no name. */
export const OPEN = ALL('ok')
/** Needs a name, whichever. */
export const KNOWN: Outcomes = { ...ALL('ok'), ...UNKNOWN }
const NONE: Outcomes = { ...ALL('not_found'), ...UNKNOWN }
/** The owner, and nobody else, whatever they may besides. */
export const OWN: Outcomes = { ...NONE, owner: 'ok', anonymousOwner: 'ok' }
export const READ: Outcomes = { ...OWN, approver: 'ok', admin: 'ok' }
/** A ticket has no claims, by which these two are known: what they get for it is of no use. */
export const BY_TICKET: Outcomes = { ...READ, approver: 'not_found', admin: 'not_found' }
export const RESPOND: Outcomes = { ...READ, admin: 'forbidden' }
export const CANCEL: Outcomes = { ...READ, approver: 'forbidden' }
/** Seen by others, and the owner's to change. */
export const CHANGE: Outcomes = { ...CANCEL, admin: 'forbidden' }
/** The same of what only users have: a visitor has none of it. */
export const ofUsers = (outcomes: Outcomes): Outcomes => ({
  ...outcomes,
  anonymousOwner: outcomes.otherAnonymous,
})
/** Needs the name of a user. */
export const USERS: Outcomes = { ...KNOWN, anonymousOwner: 'forbidden', otherAnonymous: 'forbidden' }
/** More than `user` events. */
export const MORE: Outcomes = {
  ...READ,
  approver: 'forbidden',
  admin: 'forbidden',
  anonymousOwner: 'forbidden',
}
const NO_LIST: Outcomes = { ...ALL('forbidden'), ...UNKNOWN }
/** Of one's own tenant, which is another one's for some. */
export const LIST_TENANT: Outcomes = {
  ...NO_LIST,
  approver: 'ok',
  approverElsewhere: 'not_found',
  admin: 'not_found',
}
export const LIST_ANY: Outcomes = { ...NO_LIST, admin: 'ok' }
/** For users, who are told here that there is no such session. */
export const CLAIM: Outcomes = { ...NONE, anonymousOwner: 'forbidden', otherAnonymous: 'forbidden' }

/** Where the application says nothing, an approver is a colleague, or a stranger as is an administrator. */
export function withoutAuthorize(outcomes: Outcomes): Outcomes {
  return {
    ...outcomes,
    approver: outcomes.sameTenant,
    approverElsewhere: outcomes.otherTenant,
    admin: outcomes.otherTenant,
  }
}
