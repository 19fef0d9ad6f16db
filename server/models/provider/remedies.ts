import type { ProviderFailure } from './failure-code.ts'

/** The body of a request. */
export type Body = Record<string, unknown>

/** A change of a refused request, after which the server may take it: a field less, or one more. */
export interface Remedy {
  name: string
  /** Whether it may help: the refusal is about what the remedy changes, and the body has it. */
  fits(refusal: Refusal, body: Body): boolean
  apply(body: Body): Body
}

export interface Refusal extends ProviderFailure {
  /** The field that the server names, where it names one. */
  param?: string | null | undefined
}

/** How long a refusal is remembered. Servers change, so the request is tried unchanged again after this. */
const LEARNT_MS = 3_600_000

/**
 * Sends a request, and sends it again with a change that helps against a refusal. Later requests have that change from the
 * beginning, for an hour. There is one of these for each model at a server.
 */
export function createRemedies(remedies: readonly Remedy[], now: () => number = Date.now) {
  const learnt = new Map<Remedy, number>()

  /**
   * @param ask sends a body.
   * @param toRefusal what the server said, of an error of `ask`'s; undefined for one that is no refusal of the request.
   */
  return async function askPatiently<T>(
    body: Body,
    ask: (body: Body) => Promise<T>,
    toRefusal: (error: unknown) => Refusal | undefined,
  ): Promise<T> {
    const used = new Set<Remedy>()
    let current = body
    const use = (remedy: Remedy) => {
      used.add(remedy)
      current = remedy.apply(current)
    }
    for (const [remedy, until] of learnt) {
      if (until > now()) use(remedy)
      else learnt.delete(remedy)
    }
    const tried: Remedy[] = []
    for (;;) {
      try {
        const answer = await ask(current)
        for (const remedy of tried) learnt.set(remedy, now() + LEARNT_MS)
        return answer
      } catch (error) {
        const refusal = toRefusal(error)
        const remedy = refusal && remedies.find((each) => !used.has(each) && each.fits(refusal, current))
        if (remedy === undefined) throw error
        tried.push(remedy)
        use(remedy)
      }
    }
  }
}

const UNSUPPORTED =
  /unsupported|unknown|unrecogni[sz]ed|unexpected|not (?:supported|permitted|allowed|available|accepted)|(?:does|do) ?n[o']t (?:support|accept|allow)|extra (?:inputs|fields)|is deprecated/i

/** Whether the server says that it does not know a field, or takes none for this model. */
export function isUnsupported(refusal: Refusal, field: string): boolean {
  return UNSUPPORTED.test(`${refusal.code ?? ''} ${refusal.message ?? ''}`) && isAbout(refusal, field)
}

export function isAbout({ param, message }: Refusal, field: string): boolean {
  return param === field || new RegExp(`(?<![\\w])${field}(?![\\w])`).test(`${param ?? ''} ${message ?? ''}`)
}

export function omit<T extends object>(from: T, field: string): T {
  return Object.fromEntries(Object.entries(from).filter(([key]) => key !== field)) as T
}

/** Leaves a field out. */
export function without(field: string): Remedy {
  return {
    name: `without ${field}`,
    fits: (refusal, body) => field in body && isUnsupported(refusal, field),
    apply: (body) => omit(body, field),
  }
}
