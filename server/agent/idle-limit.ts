import type { Model, ModelChunk } from '../ports/model.ts'
import { ModelError } from '../ports/model.ts'

/** A model that reasons may say nothing for minutes before its answer begins; once it speaks, it goes on. */
const BEGIN_FACTOR = 5

/**
 * The same model, whose stream may be silent for no longer than `idleMs`, and five times as long before it has
 * begun: then the request is aborted, and the stream throws a {@link ModelError} that is worth another try.
 *
 * @param idleMs milliseconds; Infinity for no limit.
 */
export function withIdleLimit(model: Model, idleMs: number): Model {
  if (idleMs === Infinity) return model
  return {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal) {
      const silence = new AbortController()
      const watch = createWatch(idleMs, () => silence.abort(silent(model, watch.limitMs)))
      const heeded = AbortSignal.any([signal, silence.signal])
      const stream = model.stream(request, heeded, watch.hear)
      const chunks = stream[Symbol.asyncIterator]()
      const unlessSilent = createGivingUp(silence.signal)
      try {
        for (;;) {
          watch.start()
          // Not all models heed their signal.
          const { done, value } = await unlessSilent(chunks.next())
          watch.stop()
          if (done === true) return
          yield value
        }
      } finally {
        watch.stop()
        // It may never come back from what it waits for.
        void ended(chunks)
      }
    },
  }
}

interface Watch {
  /** The limit that holds now. */
  readonly limitMs: number
  start(): void
  /** The other side lives. */
  hear(): void
  stop(): void
}

/** Time counts between `start` and `stop`: what the reader does with a chunk is no silence of the model's. */
function createWatch(idleMs: number, onSilence: () => void): Watch {
  let limitMs = idleMs * BEGIN_FACTOR
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    clearTimeout(timer)
    timer = setTimeout(onSilence, limitMs)
  }
  return {
    get limitMs() {
      return limitMs
    },
    start,
    hear() {
      limitMs = idleMs
      if (timer !== undefined) start()
    },
    stop() {
      clearTimeout(timer)
      timer = undefined
      limitMs = idleMs
    },
  }
}

function silent({ name }: Model, limitMs: number): ModelError {
  return new ModelError(`The model "${name}" has been silent for ${limitMs / 1000} s.`, { retriable: true })
}

/** What is given settles by itself, or rejects with the signal's reason: one after the other, for as many chunks as there are. */
function createGivingUp(signal: AbortSignal): <T>(next: Promise<T>) => Promise<T> {
  let giveUp: ((reason: unknown) => void) | undefined
  signal.addEventListener('abort', () => giveUp?.(signal.reason), { once: true })
  // A race with one promise for all would keep a reaction for each chunk until the stream is over.
  return (next) =>
    new Promise((resolve, reject) => {
      giveUp = reject
      if (signal.aborted) reject(signal.reason)
      next.then(resolve, reject)
    })
}

async function ended(chunks: AsyncIterator<ModelChunk>): Promise<void> {
  try {
    await chunks.return?.()
  } catch {
    // The stream was given up: how it ends is nobody's concern.
  }
}
