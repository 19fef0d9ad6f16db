// What spans, metrics and their attributes are called: the semantic conventions for generative AI (v0.1.0 of
// https://github.com/open-telemetry/semantic-conventions-genai, in development) where they have a name, else ours.

/** Before the name of what is done: `chat gpt-5.4`, `execute_tool get_weather`. */
export const OPERATION = {
  attempt: 'invoke_agent',
  model: 'chat',
  tool: 'execute_tool',
} as const

export const NAME = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agent: 'gen_ai.agent.name',
  conversation: 'gen_ai.conversation.id',
  model: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  /** Not among the conventions; others have it. */
  cost: 'gen_ai.usage.cost',
  tokenType: 'gen_ai.token.type',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  toolType: 'gen_ai.tool.type',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  systemInstructions: 'gen_ai.system_instructions',
  errorType: 'error.type',
  runId: 'agent_runtime.run.id',
  runStatus: 'agent_runtime.run.status',
  attempt: 'agent_runtime.attempt',
  tenant: 'agent_runtime.tenant.id',
  user: 'user.id',
  step: 'agent_runtime.step.name',
  occurrence: 'agent_runtime.step.occurrence',
} as const

/** Providers that the conventions call otherwise than the runtime does. */
const PROVIDERS: Record<string, string> = { openai: 'openai', anthropic: 'anthropic' }

export function providerName(provider: string): string {
  return PROVIDERS[provider] ?? provider
}
