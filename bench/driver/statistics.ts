export const median = (values: readonly number[]): number => percentile(values, 50)

/** Interpolates between the two nearest values. NaN if there are none. */
export function percentile(values: ArrayLike<number>, percent: number): number {
  // A typed array sorts numbers natively. There may be a million.
  const sorted = Float64Array.from(values).toSorted()
  const position = ((sorted.length - 1) * percent) / 100
  const below = sorted[Math.floor(position)] ?? NaN
  const above = sorted[Math.ceil(position)] ?? NaN
  return below + (above - below) * (position - Math.floor(position))
}
