import { createHash } from 'node:crypto'

/** What every provider takes as the id of a tool's call. */
const ID = /^[a-zA-Z0-9_-]{1,40}$/

/**
 * Ids for calls that come from elsewhere, where an id may be of any characters and length, and be used twice. The same
 * history gives the same ids each time, since providers' caches know a prompt by its bytes.
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
