import type { Journal } from '../../agent/journal.ts'
import { toUsage } from '../../models/ai-sdk/wire.ts'
import { parseToolArguments } from '../../models/provider/tool-arguments.ts'
import { ModelError } from '../../ports/model.ts'
import type { Teller } from '../teller.ts'

/** A language model of the AI SDK: of specification v3 or v4, which are its majors 6 and 7. */
export interface StreamingModel {
  readonly provider: string
  readonly modelId: string
  doStream(options: never): PromiseLike<{ stream: ReadableStream<unknown> }>
}

interface Part extends Record<string, unknown> {
  type: string
}

/** An answer, as it is stored. A type and not an interface: it is JSON. */
type Answer = { messageId: string; parts: Part[] }

interface Ports {
  journal: Journal
  /** What earlier attempts stored, by place. */
  stored: ReadonlyMap<number, unknown>
  teller: Teller
  /** Hears of each text and its id. */
  onText(messageId: string, text: string): void
}

/**
 * The model, whose answers are told as they come, and stored before anything comes of them: a later attempt that asks the same way gets them
 * from there.
 */
export function storingModel<TModel extends StreamingModel>(model: TModel, ports: Ports): TModel {
  /** Not how often it was asked: the SDK asks again by itself, and no answer is stored of that. */
  let answered = 0
  const onAnswered = () => void (answered += 1)
  const ask = model.doStream.bind(model) as (
    options: unknown,
  ) => PromiseLike<{ stream: ReadableStream<unknown> }>

  async function doStream(options: unknown): Promise<{ stream: ReadableStream<unknown> }> {
    const place = answered + 1
    ports.teller.assertMayAsk()
    const known = ports.stored.get(place) as Answer | undefined
    if (known !== undefined) {
      onAnswered()
      await tell(model, known, ports)
      return { stream: streamOf(known.parts.map(revive)) }
    }
    const { stream, ...rest } = await ask(options)
    const through = new TransformStream<unknown, unknown>(hearing(model, { place, onAnswered }, ports))
    return { ...rest, stream: stream.pipeThrough(through) }
  }

  // Its other members stay its own, whatever they are.
  return new Proxy(model, {
    get(target, name) {
      if (name === 'doStream') return doStream
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function streamOf(parts: readonly Part[]): ReadableStream<unknown> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part)
      controller.close()
    },
  })
}

function hearing(
  model: StreamingModel,
  { place, onAnswered }: { place: number; onAnswered(): void },
  ports: Ports,
): Transformer<unknown, unknown> {
  const { teller, journal } = ports
  const answer: Answer = { messageId: crypto.randomUUID(), parts: [] }
  const { messageId } = answer
  let isBroken = false
  return {
    async transform(value, controller) {
      const part = Object(value) as Part
      const { delta } = part
      if (part.type === 'text-delta' && typeof delta === 'string') await teller.text(messageId, delta)
      if (part.type === 'reasoning-delta' && typeof delta === 'string')
        await teller.reasoning(messageId, delta)
      keep(answer.parts, part)
      isBroken ||= part.type === 'error'
      if (part.type === 'finish' && isError(part)) {
        // The SDK takes what there is for the answer.
        if (!isBroken)
          throw new ModelError('The model broke off its answer.', { code: 'server_error', retriable: true })
      } else if (part.type === 'finish' && !isBroken) {
        onAnswered()
        await journal.write({ place, value: answer }, [messageId])
        await tell(model, answer, ports)
      }
      controller.enqueue(value)
    },
  }
}

/** A word, or an object with it, by the version of the model. */
function isError({ finishReason }: Part): boolean {
  const { unified = finishReason } = Object(finishReason) as { unified?: unknown }
  return unified === 'error'
}

/** Pieces that follow each other become one. */
function keep(parts: Part[], part: Part): void {
  const last = parts.at(-1)
  if (part.type === 'raw' || part.type === 'error') return
  const isPiece = part.type.endsWith('-delta') && last?.type === part.type && last['id'] === part['id']
  if (isPiece && part['providerMetadata'] === undefined) {
    last['delta'] = `${String(last['delta'])}${String(part['delta'])}`
  } else parts.push(storable({ ...part }) as Part)
}

/** Bytes become base64, which the SDK takes too. */
function storable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(storable)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, storable(each)]))
}

function revive(part: Part): Part {
  const { timestamp } = part
  return typeof timestamp === 'string' ? { ...part, timestamp: new Date(timestamp) } : part
}

async function tell(
  { provider, modelId }: StreamingModel,
  { messageId, parts }: Answer,
  { teller, onText }: Ports,
): Promise<void> {
  const text = parts.map(({ type, delta }) => (type === 'text-delta' ? String(delta) : '')).join('')
  onText(messageId, text)
  await teller.message(messageId, text)
  const metadata = parts.find(
    ({ type, modelId: name }) => type === 'response-metadata' && typeof name === 'string',
  )
  const name = typeof metadata?.['modelId'] === 'string' ? metadata['modelId'] : modelId
  const finish = parts.find(({ type }) => type === 'finish')
  await teller.usage(messageId, { provider, name }, toUsage(finish?.['usage']))
  for (const { type, toolCallId, toolName, input } of parts) {
    if (type !== 'tool-call') continue
    const args = parseToolArguments(typeof input === 'string' ? input : JSON.stringify(input ?? {}))
    await teller.call({ id: String(toolCallId), name: String(toolName), arguments: args }, messageId)
  }
}
