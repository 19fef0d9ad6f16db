// What is told of each operation.
import type { Attributes, SpanKind } from '@opentelemetry/api'
import type { Json } from '../../contract/json.ts'
import type { Operation, OperationOutcome, TracedRun } from '../../ports/tracer.ts'
import { asText, inputMessages, outputMessages, systemInstructions } from './content.ts'
import { errorTypeOf } from '../error-type.ts'
import { NAME, OPERATION, providerName } from '../names.ts'

/** What was said, as it may be told: undefined where it may not. It is made only where it is told. */
export type Tell = (read: () => Json) => string | undefined

export function createTell({ content, mask }: { content: boolean; mask: (value: Json) => unknown }): Tell {
  if (!content) return () => undefined
  return (read) => {
    const value = read()
    try {
      const masked = mask(value)
      return masked === undefined ? undefined : asText(masked as Json)
    } catch {
      return 'The mask failed.'
    }
  }
}

interface Begun {
  name: string
  kind: keyof typeof SpanKind
  attributes: Attributes
}

/** What a sampler decides by. */
export function describeBegun(operation: Operation): Begun {
  switch (operation.kind) {
    case 'create':
      return {
        name: `create_run ${operation.run.agentKey}`,
        kind: 'PRODUCER',
        attributes: ofRun(operation.run),
      }
    case 'attempt':
      return {
        name: `${OPERATION.attempt} ${operation.run.agentKey}`,
        kind: 'CONSUMER',
        attributes: {
          ...ofRun(operation.run),
          [NAME.operation]: OPERATION.attempt,
          [NAME.attempt]: operation.attempt,
        },
      }
    case 'model':
      return {
        name: `${OPERATION.model} ${operation.model}`,
        kind: 'CLIENT',
        attributes: known({
          [NAME.operation]: OPERATION.model,
          [NAME.provider]: providerName(operation.provider),
          [NAME.model]: operation.model,
          [NAME.maxTokens]: operation.request.maxOutputTokens,
          [NAME.temperature]: operation.request.temperature,
        }),
      }
    case 'tool':
      return {
        name: `${OPERATION.tool} ${operation.name}`,
        kind: 'INTERNAL',
        attributes: {
          [NAME.operation]: OPERATION.tool,
          [NAME.toolName]: operation.name,
          [NAME.toolCallId]: operation.toolCallId,
          [NAME.toolType]: 'function',
        },
      }
    case 'step':
      return {
        name: `step ${operation.name}`,
        kind: 'INTERNAL',
        attributes: { [NAME.step]: operation.name, [NAME.occurrence]: operation.occurrence },
      }
  }
}

/** What an operation was given to read: long, so that it is written for spans alone that are kept. */
export function describeGiven(operation: Operation, tell: Tell): Attributes {
  switch (operation.kind) {
    case 'attempt':
      return known({ [NAME.inputMessages]: tell(() => inputMessages(operation.messages)) })
    case 'model': {
      const { messages } = operation.request
      return known({
        [NAME.systemInstructions]: tell(() => systemInstructions(messages)),
        [NAME.inputMessages]: tell(() => inputMessages(messages)),
      })
    }
    case 'tool':
      return known({ [NAME.toolArguments]: tell(() => operation.arguments) })
    case 'create':
    case 'step':
      return {}
  }
}

export function describeEnded({ kind }: Operation, outcome: OperationOutcome, tell: Tell): Attributes {
  const { output, usage, finishReason, status, error, answeredBy } = outcome
  const told = output === undefined ? undefined : tellOutput(kind, output, { finishReason, tell })
  return known({
    [NAME.runStatus]: status,
    [NAME.responseModel]: answeredBy?.name,
    [NAME.inputTokens]: usage?.inputTokens,
    [NAME.outputTokens]: usage?.outputTokens,
    [NAME.cost]: usage?.cost ?? undefined,
    [NAME.finishReasons]: finishReason === undefined ? undefined : [finishReason],
    [NAME.errorType]: error === undefined ? undefined : errorTypeOf(error),
    [kind === 'tool' ? NAME.toolResult : NAME.outputMessages]: told,
  })
}

function tellOutput(
  kind: Operation['kind'],
  output: Json,
  { finishReason, tell }: { finishReason: string | undefined; tell: Tell },
): string | undefined {
  return tell(() => (kind === 'tool' ? output : outputMessages(output, finishReason)))
}

function ofRun({ id, agentKey, conversationId, principal }: TracedRun): Attributes {
  return known({
    [NAME.agent]: agentKey,
    [NAME.runId]: id,
    [NAME.conversation]: conversationId ?? undefined,
    [NAME.user]: principal.id,
    [NAME.tenant]: principal.tenantId === '' ? undefined : principal.tenantId,
  })
}

/** In a loop: as entries that are filtered, it was the dearest part of a span. */
export function known(attributes: Record<string, Attributes[string]>): Attributes {
  const given: Attributes = {}
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]
    if (value !== undefined) given[name] = value
  }
  return given
}
