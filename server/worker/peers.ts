// Which other workers there are, learnt from hints. With it all workers agree on who looks first for a queued run,
// without asking anybody. A mistake costs one look too many, or a short delay.
import { createHash } from 'node:crypto'
import type { Clock } from '../ports/clock.ts'
import type { EventBus, Hint } from '../ports/event-bus.ts'

type WorkerHint = Extract<Hint, { kind: 'worker' }>

interface PeersPorts {
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

interface PeersSettings {
  workerId: string
  agentKeys: readonly string[]
  /** A worker without capacity announces nothing, so that others look first. */
  hasCapacity(): boolean
  /** Ends the announcements and says that this worker leaves. */
  signal: AbortSignal
}

interface Peer {
  seed: number
  expiresAt: number
}

const ANNOUNCE_MS = 10_000
/** A worker counts as gone after this. Two announcements in a row may get lost. */
const EXPIRY_MS = 3 * ANNOUNCE_MS
/** At least this long between two announcements, even if many new workers ask for one. */
const MIN_ANNOUNCE_MS = 1_000
/** Bounds the workers that are remembered, since anybody may send hints. */
const MAX_PEERS = 1_000

export class Peers {
  readonly #ports: PeersPorts
  readonly #settings: PeersSettings
  readonly #seed: number
  /** Leaves out workers with other agents, as during a deployment: they may not be able to take the run. */
  readonly #agents: string
  readonly #peers = new Map<string, Peer>()
  #wake = new AbortController()

  constructor(ports: PeersPorts, settings: PeersSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#seed = hash(settings.workerId)
    this.#agents = createHash('sha256')
      .update(settings.agentKeys.toSorted().join('\n'))
      .digest('base64url')
      .slice(0, 16)
    settings.signal.addEventListener('abort', () => this.#wake.abort('leaving'), { once: true })
  }

  get isAlone(): boolean {
    return this.#peers.size === 0
  }

  hear({ workerId, agents, isLeaving }: WorkerHint): void {
    if (workerId === this.#settings.workerId || agents !== this.#agents) return
    if (isLeaving) return void this.#peers.delete(workerId)
    const isNew = !this.#peers.has(workerId)
    if (isNew && this.#peers.size >= MAX_PEERS) return
    this.#peers.set(workerId, { seed: hash(workerId), expiresAt: this.#ports.clock.now() + EXPIRY_MS })
    // A worker that has just started does not know this one yet.
    if (isNew) this.#wake.abort('newcomer')
  }

  /** After a gap in listening: forgets all workers and asks them to announce themselves. */
  forgetAll(): void {
    this.#peers.clear()
    this.#wake.abort('forgot')
  }

  /**
   * How many workers come before this one for the run (rendezvous hashing). Workers that know each other agree on
   * the order. It differs from run to run.
   */
  rankFor(runId: string): number {
    const key = hash(runId)
    const own = mix(key ^ this.#seed)
    let rank = 0
    for (const { seed } of this.#peers.values()) if (mix(key ^ seed) > own) rank += 1
    return rank
  }

  /** The first worker did not take the run: it is full, slow or gone. It counts again after its next announcement. */
  passOver(runId: string): void {
    const key = hash(runId)
    let first: string | undefined
    let most = mix(key ^ this.#seed)
    for (const [workerId, { seed }] of this.#peers) {
      const weight = mix(key ^ seed)
      if (weight > most) [first, most] = [workerId, weight]
    }
    if (first !== undefined) this.#peers.delete(first)
  }

  /** Announces this worker until the signal aborts. */
  async keepTelling(): Promise<void> {
    const { signal, hasCapacity } = this.#settings
    const { clock, random } = this.#ports
    while (!signal.aborted) {
      this.#wake = new AbortController()
      if (hasCapacity()) this.#tell(false)
      // Jitter keeps all workers from answering a new one at the same moment.
      await clock.sleep(MIN_ANNOUNCE_MS * (0.5 + random() / 2), signal)
      await clock.sleep(ANNOUNCE_MS - MIN_ANNOUNCE_MS, this.#wake.signal)
      this.#forgetExpired()
    }
    this.#tell(true)
  }

  #tell(isLeaving: boolean): void {
    const { workerId } = this.#settings
    this.#ports.bus.publish([{ kind: 'worker', workerId, agents: this.#agents, isLeaving }])
  }

  #forgetExpired(): void {
    const now = this.#ports.clock.now()
    for (const [workerId, { expiresAt }] of this.#peers) if (expiresAt <= now) this.#peers.delete(workerId)
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value
}

/** Makes numbers that differ in a bit differ in all of them: the end of MurmurHash3. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
