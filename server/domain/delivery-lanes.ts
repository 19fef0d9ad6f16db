// Keeps deliveries that hang out of the way of the others. A batch is quick at first; one that is not answered soon is slow
// from then on, and goes on elsewhere. Slow ones have places of their own: too many of them cost each other their time.
import type { Clock } from '../ports/clock.ts'

interface LaneBounds {
  /** Deliveries that are quick at the same time. The batch that fills the lane may go beyond. */
  maxQuick: number
  /** Deliveries that are slow at the same time. */
  maxSlow: number
  /** How long a batch is quick, in milliseconds. */
  quickMs: number
}

interface LaneBatch {
  deliveries: number
  /** Whether the one before it hung: then it is slow from the beginning. */
  isKnownSlow: boolean
}

/** A batch on its way. */
export interface Underway {
  /** Aborts when others need its place. */
  readonly signal: AbortSignal
  readonly isSlow: boolean
  leave(): void
}

export interface DeliveryLanes {
  readonly hasRoom: boolean
  readonly hasRoomForSlow: boolean
  enter(batch: LaneBatch): Underway
}

/** @param onRoom called when there may be room that was not there before. */
export function createDeliveryLanes(
  clock: Pick<Clock, 'sleep'>,
  { maxQuick, maxSlow, quickMs }: LaneBounds,
  onRoom: () => void,
): DeliveryLanes {
  let quick = 0
  let slow = 0
  const slowOnes = new Set<{ isKnownSlow: boolean; giveUp(): void }>()

  /** Those that hung before go first, and of them the oldest. */
  function makeRoom(): void {
    if (slow <= maxSlow) return
    for (const one of [...slowOnes].toSorted((a, b) => Number(b.isKnownSlow) - Number(a.isKnownSlow))) {
      if (slow <= maxSlow) return
      one.giveUp()
    }
  }

  return {
    get hasRoom() {
      return quick < maxQuick
    },

    get hasRoomForSlow() {
      return slow < maxSlow
    },

    enter({ deliveries, isKnownSlow }) {
      const over = new AbortController()
      const pressed = new AbortController()
      let lane: 'quick' | 'slow' | 'none' = 'quick'
      quick += deliveries
      const entry = {
        isKnownSlow,
        giveUp() {
          leave()
          pressed.abort()
        },
      }

      function leave(): void {
        if (lane === 'none') return
        if (lane === 'quick') quick -= deliveries
        else slow -= deliveries
        lane = 'none'
        slowOnes.delete(entry)
        over.abort()
        onRoom()
      }

      function slowDown(): void {
        if (lane !== 'quick') return
        lane = 'slow'
        quick -= deliveries
        slow += deliveries
        slowOnes.add(entry)
        makeRoom()
        onRoom()
      }

      if (isKnownSlow) slowDown()
      else void clock.sleep(quickMs, over.signal).then(slowDown)
      return {
        signal: pressed.signal,
        get isSlow() {
          return lane !== 'quick'
        },
        leave,
      }
    },
  }
}
