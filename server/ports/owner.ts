import type { Principal } from '../contract/principal.ts'

/** Whose rows: everything the store reads or changes on behalf of a caller is narrowed to it. */
export type Owner = Pick<Principal, 'id' | 'tenantId' | 'kind'>

const KINDS = { user: true, anonymous: true, public: true } satisfies Record<Principal['kind'], true>

/**
 * The owner that a principal stands for. Every filter is made of its result, never of a principal as it came: to
 * Prisma `undefined` is no filter at all, and an object is an operator. Principals are parsed where they come in;
 * this is for the one that was not.
 *
 * @throws TypeError when it stands for nobody.
 */
export function ownerOf({ id, tenantId, kind }: Owner): Owner {
  if (typeof id !== 'string' || id === '') throw nobody('id')
  if (typeof tenantId !== 'string') throw nobody('tenantId')
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) throw nobody('kind')
  return { id, tenantId, kind }
}

function nobody(field: keyof Owner): TypeError {
  return new TypeError(
    `A principal without a valid "${field}" owns nothing: it must be parsed before it is used.`,
  )
}
