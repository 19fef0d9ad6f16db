/** Random choices that are the same for the same seed. */
export interface Random {
  /** From 0 to 1, without 1. */
  next(): number
  between(min: number, max: number): number
  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T
  /** A choice by weight. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T
  /** Another generator. Its sequence does not depend on how often this one was used. */
  fork(name: string | number): Random
}

export function createRandom(seed: string): Random {
  let state = hash(seed)
  // Mulberry32: 32 bits are enough for a plan with a few thousand choices.
  const next = (): number => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    pick<T>(choices: readonly T[]): T {
      return choices[Math.floor(next() * choices.length)] as T
    },
    weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
      const entries = Object.entries(weights) as [T, number][]
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [choice, weight] of entries) if ((left -= weight) < 0) return choice
      throw new Error('no weight is above zero')
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x81_1c_9d_c5
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01_00_01_93)
  return value
}
