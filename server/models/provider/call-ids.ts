import { createHash } from 'node:crypto'

/** The ids of tool calls that every provider takes. */
const ID = /^[a-zA-Z0-9_-]{1,40}$/

/**
 * Ids for calls of other sources, which may have any characters and length and occur twice. The same history always gives
 * the same ids, since providers' caches compare prompts byte by byte.
 */
export function createCallIds(): (id: string) => string {
  const taken = new Set<string>()
  return (id) => {
    let valid = ID.test(id) ? id : hashed(id)
    for (let again = 1; taken.has(valid); again += 1) valid = hashed(`${id} ${again}`)
    taken.add(valid)
    return valid
  }
}

function hashed(id: string): string {
  return `call_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`
}
