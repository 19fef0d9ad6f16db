/**
 * Shares a read under way with every reader that wants the same page. Readers who join together then read each page
 * once, and share its encoded form.
 *
 * Only reads with the same `floor` are shared. Everything up to it was in the store when the read began, so a reader
 * that gets an empty page can continue at the floor.
 */
export function createSharedReads<TPage extends (string | number)[], TAnswer>(
  read: (...page: TPage) => Promise<TAnswer>,
): (floor: number | undefined, ...page: TPage) => Promise<TAnswer> {
  const underWay = new Map<string, Promise<TAnswer>>()
  return (floor, ...page) => {
    const key = `${page.join(' ')} ${floor}`
    let reading = underWay.get(key)
    if (reading === undefined) {
      const forget = () => underWay.delete(key)
      underWay.set(key, (reading = read(...page)))
      reading.then(forget, forget)
    }
    return reading
  }
}
