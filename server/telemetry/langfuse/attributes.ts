// What Langfuse reads besides the conventions: https://langfuse.com/integrations/native/opentelemetry#property-mapping
import type { Attributes } from '@opentelemetry/api'
import type { Operation, OperationOutcome, TracedRun } from '../../ports/tracer.ts'
import { NAME as CONVENTIONS } from '../names.ts'
import { known } from '../opentelemetry/attributes.ts'
import type { Tell } from '../opentelemetry/attributes.ts'

const NAME = {
  session: 'session.id',
  traceName: 'langfuse.trace.name',
  traceInput: 'langfuse.trace.input',
  traceOutput: 'langfuse.trace.output',
  type: 'langfuse.observation.type',
  input: 'langfuse.observation.input',
  output: 'langfuse.observation.output',
  cost: 'langfuse.observation.cost_details',
} as const

const TYPES: Record<Operation['kind'], string> = {
  create: 'event',
  attempt: 'agent',
  model: 'generation',
  tool: 'tool',
  step: 'span',
}

export function describeForLangfuse(operation: Operation, attributes: Attributes): Attributes {
  return known({
    ...attributes,
    [NAME.type]: TYPES[operation.kind],
    ...('run' in operation ? ofRun(operation.run) : {}),
  })
}

/** @param given by the conventions: a history is long, so that it is written once for both. */
export function describeGivenForLangfuse({ kind }: Operation, given: Attributes): Attributes {
  const input = given[CONVENTIONS.inputMessages] ?? given[CONVENTIONS.toolArguments]
  return known({
    ...given,
    [NAME.input]: input,
    [NAME.traceInput]: kind === 'attempt' ? input : undefined,
  })
}

export function describeEndForLangfuse(
  { kind }: Operation,
  { output, usage }: OperationOutcome,
  tell: Tell,
): Attributes {
  const told = output === undefined ? undefined : tell(() => output)
  return known({
    [NAME.output]: told,
    [NAME.traceOutput]: kind === 'attempt' ? told : undefined,
    [NAME.cost]: typeof usage?.cost === 'number' ? JSON.stringify({ total: usage.cost }) : undefined,
  })
}

const ofRun = ({ agentKey, conversationId }: TracedRun): Record<string, string | undefined> => ({
  [NAME.traceName]: agentKey,
  [NAME.session]: conversationId ?? undefined,
})
