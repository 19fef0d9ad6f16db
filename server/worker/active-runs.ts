import type { AnyAgent } from '../agent/agent.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { LetIn } from '../domain/let-in.ts'
import type { PassOn } from '../domain/pass-on.ts'
import type { TellFamilies } from '../domain/tell-families.ts'
import { giveTurn } from '../domain/give-turn.ts'
import type { RunLog } from '../events/run-log.ts'
import { EventWriter, HEARTBEAT } from '../events/writer.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { SentStore } from '../ports/store/sent-store.ts'
import { ConversationTitles } from './conversation-titles.ts'
import type { TitlePorts } from './conversation-titles.ts'
import { executeAttempt } from './execute-attempt.ts'
import type { ExecutePorts } from './execution.ts'
import { createInbox } from './inbox.ts'
import type { Inbox } from './inbox.ts'
import { RunInterruption } from './interruption.ts'
import { keepLeases, renewLeases } from './lease-keeper.ts'

export interface ActiveRunsPorts
  extends Omit<ExecutePorts, 'writer' | 'store' | 'leaseTtlMs'>, Omit<TitlePorts, 'store'> {
  store: ExecutePorts['store'] &
    TitlePorts['store'] &
    AttemptStore &
    Pick<ConversationStore, 'giveTurns'> &
    Pick<SentStore, 'takeSent'>
  bus: EventBus
  letIn: LetIn
  tellFamilies: TellFamilies
  passOn: PassOn
}

interface ActiveRunsSettings {
  agents: ReadonlyMap<string, AnyAgent>
  leaseTtlMs: number
  onBegun(): void
  /** The attempt is over, and the worker has capacity for another. */
  onOver(): void
  /** The run is to be taken up again, in so many milliseconds. */
  onQueued(delayMs: number, agentKey: string): void
}

interface Active {
  run: ClaimedRun
  controller: AbortController
  inbox: Inbox
  beat(): void
  done: Promise<void>
}

/** How long the hint for `run.started` waits for a next event, to go out with that one's. */
const START_HINT_DELAY_MS = 20

/** The attempts a worker has under way: executes them, keeps their leases and interrupts them. */
export class ActiveRuns {
  readonly #ports: ActiveRunsPorts
  readonly #settings: ActiveRunsSettings
  readonly #writer: EventWriter
  readonly #titles: ConversationTitles
  readonly #active = new Map<string, Active>()
  /** Runs of which a hint says that they were cancelled, or sent something. */
  readonly #toAskAfter = new Set<string>()
  #asking: Promise<void> | undefined

  constructor(ports: ActiveRunsPorts, settings: ActiveRunsSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#titles = new ConversationTitles(ports)
    this.#writer = new EventWriter(ports, {
      onFenced: (log) => this.#abort(log, new RunInterruption('lost')),
      onRefused: (log, cause) => this.#abort(log, new RunInterruption('failed', { cause })),
    })
  }

  get size(): number {
    return this.#active.size
  }

  /** Resolves when all that are under way now are over. Never rejects. */
  async over(): Promise<void> {
    await Promise.all([...this.#active.values()].map((active) => active.done))
    await this.#titles.over()
  }

  execute(run: ClaimedRun): void {
    const agent = this.#settings.agents.get(run.agentKey)
    if (agent === undefined) return
    this.#settings.onBegun()
    const controller = new AbortController()
    if (run.cancelRequested) controller.abort(new RunInterruption('cancelled'))
    const runLog = this.#writer.open(run)
    void this.#announceStart(run, runLog)
    const ports = { ...this.#ports, writer: this.#writer, leaseTtlMs: this.#settings.leaseTtlMs }
    const inbox = createInbox(ports.store, run)
    const beat = () => this.#beat(runLog)
    const active: Active = { run, controller, inbox, beat, done: Promise.resolve() }
    // This worker may have lost an earlier attempt of the same run.
    this.#active.get(run.id)?.controller.abort(new RunInterruption('lost'))
    this.#active.set(run.id, active)
    active.done = executeAttempt(ports, { run, agent, runLog, inbox, controller })
      .catch((error: unknown) => {
        this.#ports.log.error({ err: error, runId: run.id }, 'executing a run failed; it is taken up again')
        return 'lost' as const
      })
      .then((fate) => this.#release(active, fate))
  }

  interruptAll(kind: RunInterruption['kind']): void {
    for (const { controller } of this.#active.values()) controller.abort(new RunInterruption(kind))
    this.#titles.abort()
  }

  renewLeases(): Promise<void> {
    return renewLeases(this.#ports, this.#leases)
  }

  keepLeases(signal: AbortSignal): Promise<void> {
    return keepLeases(this.#ports, { ...this.#leases, signal })
  }

  /** Asks the run's row whether it was cancelled, or sent something, since a hint is no proof. One statement serves all hints of a moment. */
  askAfter(runId: string): void {
    if (!this.#active.has(runId)) return
    this.#toAskAfter.add(runId)
    this.#asking ??= this.#ask()
  }

  /** Stops the writer. Events that are not written yet are given up. */
  async end(): Promise<void> {
    await this.#writer.stop()
    await Promise.all([this.#asking, this.#titles.over()])
  }

  get #leases() {
    return { held: () => [...this.#active.values()], ttlMs: this.#settings.leaseTtlMs }
  }

  async #ask(): Promise<void> {
    while (this.#toAskAfter.size > 0) {
      const runIds = [...this.#toAskAfter]
      this.#toAskAfter.clear()
      const held = () => runIds.flatMap((id) => this.#active.get(id) ?? [])
      await renewLeases(this.#ports, { ...this.#leases, held })
    }
    this.#asking = undefined
  }

  #beat(runLog: RunLog): void {
    const { clock, visibilityOf } = this.#ports
    const ts = new Date(clock.now()).toISOString()
    void this.#writer.emit(runLog, { type: HEARTBEAT, payload: {}, visibility: visibilityOf(HEARTBEAT), ts })
  }

  /** Sends a hint for `run.started` to readers, unless the next event follows soon and its hint tells them. */
  async #announceStart(run: ClaimedRun, runLog: RunLog): Promise<void> {
    await this.#ports.clock.sleep(START_HINT_DELAY_MS)
    if (runLog.writtenSeq > run.lastSeq) return
    this.#ports.bus.publish([{ kind: 'events', runId: run.id, seq: run.lastSeq }])
  }

  async #release({ run, inbox }: Active, fate: Awaited<ReturnType<typeof executeAttempt>>): Promise<void> {
    // A later attempt of the same run may have its entry by now.
    if (this.#active.get(run.id)?.run.attempt === run.attempt) this.#active.delete(run.id)
    this.#settings.onOver()
    if (fate === 'lost') return
    // Of its end, of what it waits for, and of what it could not be told while it was busy.
    const hasNews = run.parentRunId !== null || run.hasChildren
    if (hasNews && fate.status !== 'queued') await this.#ports.tellFamilies([run.id])
    if (fate.status === 'succeeded') this.#titles.consider(run)
    if (fate.status === 'queued') this.#settings.onQueued(fate.delayMs, run.agentKey)
    // Before the turn is given: what it was sent comes next.
    if (isTerminal(fate.status) && inbox.sent > 0) await this.#ports.passOn([run.id])
    if (isTerminal(fate.status)) await giveTurn(this.#ports, run.conversationId)
    // A waiting run does not count towards the runs at once.
    if (fate.status !== 'queued') await this.#ports.letIn(run.principal)
  }

  #abort(log: RunLog, interruption: RunInterruption): void {
    const active = this.#active.get(log.runId)
    if (active?.run.attempt === log.attempt) active.controller.abort(interruption)
  }
}
