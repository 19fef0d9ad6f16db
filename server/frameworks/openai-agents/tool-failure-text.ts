import { RunContext, tool } from '@openai/agents'

const failing = tool({
  name: 'fails',
  description: '',
  parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
  execute() {
    throw new Error('It fails.')
  },
})

/**
 * What the SDK tells a model of a tool that threw and has no `errorFunction`. The SDK does not export this text, and marks no result as a
 * failure, so a tool that fails is run once.
 */
export const toolFailureText: Promise<unknown> = failing.invoke(new RunContext(), '{}').catch(() => undefined)

/** What it says of a call whose arguments are no JSON, and of a tool that took longer than its `timeoutMs`. It exports neither. */
const OTHER_FAILURES =
  /^(?:An error occurred while parsing tool arguments\. Please try again with valid JSON\.|Tool '.+' timed out after \d+ms\.)$/

export const isOtherFailure = (text: string): boolean => OTHER_FAILURES.test(text)
