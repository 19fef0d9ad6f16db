/**
 * Shares a read that is under way with everyone who wants the same page. Viewers who join together read the same
 * pages, and share their encoded form.
 *
 * Only reads with the same `floor` are shared. Everything below it was in the store when the read began, so a reader
 * that finds a page empty goes on from there.
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
