/** Returns a function that makes its result once for each object, and then returns the same result each time. */
export function madeOnce<TFrom extends object, TMade>(make: (from: TFrom) => TMade): (from: TFrom) => TMade {
  const made = new WeakMap<TFrom, TMade>()
  return (from) => {
    const known = made.get(from)
    if (known !== undefined) return known
    const one = make(from)
    made.set(from, one)
    return one
  }
}
