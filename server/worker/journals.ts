import { JOURNAL } from '../agent/journal.ts'
import type { Journal } from '../agent/journal.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import type { AttemptMessages } from '../events/attempt-messages.ts'
import type { ClaimedRun, CompletedStep } from '../ports/attempt.ts'
import { RunInterruption } from './interruption.ts'
import { createOccurrences } from './occurrences.ts'
import { patiently } from './patiently.ts'
import type { StepPorts } from './steps.ts'
import { storedForm } from './stored-form.ts'

/** Of all entries of a journal. An attempt reads them all. */
const MAX_CHARACTERS = 64 * 1024 * 1024

interface JournalRun {
  run: Pick<ClaimedRun, 'id' | 'attempt'>
  signal: AbortSignal
  messages: Pick<AttemptMessages, 'keep'>
}

/**
 * The journals of one attempt, which are told apart as steps are. They are rows of its steps: an entry is fenced as a step's result is, and
 * goes where that goes.
 */
export function createJournals(
  ports: Pick<StepPorts, 'store' | 'clock'>,
  { run, signal, messages }: JournalRun,
): (name: string) => Journal {
  const next = createOccurrences()
  const opened = new Set<string>()

  return (kind) => {
    const call = next(kind)
    const name = call.occurrence === 1 ? call.name : `${call.name}/${call.occurrence}`
    const stored = `${name}${JOURNAL}`
    const isNew = run.attempt === 1 && !opened.has(stored)
    opened.add(stored)
    const lengths = new Map<number, number>()
    let characters = 0

    function note(place: number, length: number): void {
      characters += length - (lengths.get(place) ?? 0)
      lengths.set(place, length)
      if (characters <= MAX_CHARACTERS) return
      throw new NonRetriableError(
        `What "${kind}" keeps of the run can't be stored: it is more than ${MAX_CHARACTERS} characters. Keep less in its state.`,
      )
    }

    return {
      name,

      async read() {
        const steps = isNew && lengths.size === 0 ? [] : await ports.store.readSteps(run.id)
        const entries = steps.filter((step) => step.name === stored)
        for (const { messageIds, occurrence, result } of entries) {
          messages.keep(messageIds)
          note(occurrence, JSON.stringify(result ?? null).length)
        }
        return entries
          .map(({ occurrence, result }) => ({ place: occurrence, value: result ?? null }))
          .toSorted((a, b) => a.place - b.place)
      },

      async write({ place, value }, messageIds = []) {
        signal.throwIfAborted()
        const startedAt = new Date(ports.clock.now()).toISOString()
        const result = storedForm(`What "${kind}" keeps of the run`, value, {
          maxCharacters: MAX_CHARACTERS,
        })
        note(place, JSON.stringify(result).length)
        const entry: CompletedStep = { name: stored, occurrence: place, result, messageIds }
        const outcome = await patiently(ports.clock, signal, () =>
          ports.store.saveStep(run, { ...entry, startedAt }),
        )
        if (outcome === 'fenced') throw new RunInterruption('lost')
        messages.keep(messageIds)
      },
    }
  }
}
