// Keeps deliveries that hang from delaying the others. A batch begins in the quick lane. If it is not answered soon, it
// moves to the slow lane, which has its own places. If there are too many slow deliveries, some of them are given up.
import type { Clock } from '../ports/clock.ts'

interface LaneBounds {
  /** The most deliveries in the quick lane. The batch that fills the lane may exceed this. */
  maxQuick: number
  /** The most deliveries in the slow lane. */
  maxSlow: number
  /** How long a batch stays in the quick lane, in milliseconds. */
  quickMs: number
  /** How long a known slow batch may take, in milliseconds. */
  knownSlowMs: number
}

interface LaneBatch {
  deliveries: number
  /** Whether the owner's batch before it hung. Then it begins in the slow lane. */
  isKnownSlow: boolean
}

/** A batch that is being sent. */
export interface Underway {
  /** Aborts when other batches need its place, or when the time of one whose owner's batch hung before is up. */
  readonly signal: AbortSignal
  readonly isSlow: boolean
  /** Frees the place of one of its deliveries, which is over. */
  answered(): void
  leave(): void
}

export interface DeliveryLanes {
  readonly hasRoom: boolean
  readonly hasRoomForSlow: boolean
  enter(batch: LaneBatch): Underway
}

/** @param onRoom called when there may be new room in a lane */
export function createDeliveryLanes(
  clock: Pick<Clock, 'sleep'>,
  { maxQuick, maxSlow, quickMs, knownSlowMs }: LaneBounds,
  onRoom: () => void,
): DeliveryLanes {
  let quick = 0
  let slow = 0
  const slowOnes = new Set<{ isKnownSlow: boolean; giveUp(): void }>()

  /** Gives up batches that hung before first, the oldest among them first. */
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
      let open = deliveries
      quick += open
      const entry = {
        isKnownSlow,
        giveUp() {
          leave()
          pressed.abort()
        },
      }

      function leave(): void {
        if (lane === 'none') return
        if (lane === 'quick') quick -= open
        else slow -= open
        lane = 'none'
        slowOnes.delete(entry)
        over.abort()
        onRoom()
      }

      function answered(): void {
        if (lane === 'none') return
        const wasFull = lane === 'quick' ? quick >= maxQuick : slow >= maxSlow
        open -= 1
        if (lane === 'quick') quick -= 1
        else slow -= 1
        if (wasFull) onRoom()
      }

      function slowDown(): void {
        if (lane !== 'quick') return
        lane = 'slow'
        quick -= open
        slow += open
        slowOnes.add(entry)
        makeRoom()
        onRoom()
      }

      if (isKnownSlow) {
        slowDown()
        void clock.sleep(knownSlowMs, over.signal).then(entry.giveUp)
      } else void clock.sleep(quickMs, over.signal).then(slowDown)
      return {
        signal: pressed.signal,
        get isSlow() {
          return lane === 'slow'
        },
        answered,
        leave,
      }
    },
  }
}
