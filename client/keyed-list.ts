/**
 * An immutable list whose items may have keys. A change makes a new version. The new version takes over the items, and the old one notes the
 * difference, so a change costs the same in a long list. An old version that is read again copies the items once.
 */
export class KeyedList<T> {
  readonly #keyOf: (item: T) => string | undefined
  /** Has holes where items were removed. Undefined in an older version. */
  #items: (T | undefined)[] | undefined
  #places: Map<string, number> | undefined
  #left: { next: KeyedList<T>; at: number; item: T | undefined } | undefined
  #array: readonly T[] | undefined

  /** The list takes over `items`. If several items have one key, the key finds the first. */
  constructor(
    keyOf: (item: T) => string | undefined,
    items: (T | undefined)[] = [],
    places?: Map<string, number>,
  ) {
    this.#keyOf = keyOf
    this.#items = items
    this.#places = places
  }

  /** The item's place, which is greater than the places of items before it. -1 if there is none. */
  placeOf(key: string): number {
    this.#places ??= this.#findPlaces()
    return this.#places.get(key) ?? -1
  }

  get(key: string): T | undefined {
    return this.#own()[this.placeOf(key)]
  }

  /** Replaces the item with the same key, or appends. */
  put(item: T): KeyedList<T> {
    const key = this.#keyOf(item)
    const at = key === undefined ? -1 : this.placeOf(key)
    return this.#with(at === -1 ? this.#own().length : at, item, key)
  }

  without(key: string): KeyedList<T> {
    const at = this.placeOf(key)
    return at === -1 ? this : this.#with(at, undefined, key)
  }

  findLast(isIt: (item: T) => boolean): T | undefined {
    return this.#own().findLast((item) => item !== undefined && isIt(item))
  }

  /** Returns the same array each time. */
  toArray(): readonly T[] {
    return (this.#array ??= this.#own().filter((item) => item !== undefined))
  }

  #with(at: number, item: T | undefined, key: string | undefined): KeyedList<T> {
    const items = this.#own()
    // An empty list may be a constant, and would keep all later versions in memory. So it does not join them.
    if (items.length === 0 && item !== undefined) return new KeyedList<T>(this.#keyOf, [item])
    const before = items[at]
    items[at] = item
    if (key !== undefined && item === undefined) this.#places?.delete(key)
    else if (key !== undefined) this.#places?.set(key, at)
    const next = new KeyedList(this.#keyOf, items, this.#places)
    this.#left = { next, at, item: before }
    this.#items = undefined
    this.#places = undefined
    return next
  }

  #own(): (T | undefined)[] {
    this.#items ??= KeyedList.#itemsOf(this)
    this.#left = undefined
    return this.#items
  }

  /** Takes the items of the newest version, and undoes what each version since has changed. */
  static #itemsOf<T>(list: KeyedList<T>): (T | undefined)[] {
    const later = []
    let newest = list
    for (; newest.#left !== undefined; newest = newest.#left.next) later.push(newest.#left)
    const items = newest.#own().slice()
    for (let left = later.pop(); left !== undefined; left = later.pop()) items[left.at] = left.item
    return items
  }

  #findPlaces(): Map<string, number> {
    const places = new Map<string, number>()
    this.#own().forEach((item, at) => {
      const key = item === undefined ? undefined : this.#keyOf(item)
      if (key !== undefined && !places.has(key)) places.set(key, at)
    })
    return places
  }
}
