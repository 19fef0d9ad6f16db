// Which workers are there beside this one, as far as hints tell: enough to agree, without asking anybody,
// on who looks first when a run is queued. Being wrong costs a look too many, or a moment's delay.
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
  /** A worker without capacity keeps silent, so that others look first. */
  hasCapacity(): boolean
  /** Says goodbye. */
  signal: AbortSignal
}

interface Peer {
  seed: number
  expiresAt: number
}

const ANNOUNCE_MS = 10_000
/** Two announcements may get lost. */
const EXPIRY_MS = 3 * ANNOUNCE_MS
/** Between announcements, though many newcomers are to be answered. */
const MIN_ANNOUNCE_MS = 1_000
/** Anybody may send hints: what they make a worker remember is bounded. */
const MAX_PEERS = 1_000

export class Peers {
  readonly #ports: PeersPorts
  readonly #settings: PeersSettings
  readonly #seed: number
  /** Workers with other agents, as during a deployment, are left out: they may not be able to take the run. */
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
    // Who has just come does not know of this one.
    if (isNew) this.#wake.abort('newcomer')
  }

  /** After a gap in hearing: knows nobody, and has everybody tell. */
  forgetAll(): void {
    this.#peers.clear()
    this.#wake.abort('forgot')
  }

  /**
   * How many come before this worker when the run is to be taken. All that know each other agree on the order,
   * which is another for each run.
   */
  rankFor(runId: string): number {
    const key = hash(runId)
    const own = mix(key ^ this.#seed)
    let rank = 0
    for (const { seed } of this.#peers.values()) if (mix(key ^ seed) > own) rank += 1
    return rank
  }

  /** Who should have taken it did not: full, slow or gone. It counts again when it is heard of again. */
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

  /** Tells the others that this one is there, until the signal aborts. */
  async keepTelling(): Promise<void> {
    const { signal, hasCapacity } = this.#settings
    const { clock, random } = this.#ports
    while (!signal.aborted) {
      this.#wake = new AbortController()
      if (hasCapacity()) this.#tell(false)
      // With jitter, so that a newcomer is not answered by all at once.
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
