/** Requests of tests to the REST API. */
export async function createRun(url: string, agentKey: string): Promise<string> {
  const response = await fetch(`${url}/api/agents/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agent_key: agentKey, messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  if (response.status !== 201) throw new Error(`creating a run: ${response.status} ${await response.text()}`)
  const { id } = (await response.json()) as { id: string }
  return id
}

export async function getRun(
  url: string,
  runId: string,
): Promise<{ id: string; status: string; attempt: number }> {
  const response = await fetch(`${url}/api/agents/runs/${runId}`)
  if (!response.ok) throw new Error(`getting a run: ${response.status} ${await response.text()}`)
  return (await response.json()) as { id: string; status: string; attempt: number }
}

/** Follows a run's events until one matches `pattern`. Without one, to the end of the run. */
export async function follow(url: string, runId: string, pattern?: RegExp): Promise<string> {
  const response = await fetch(`${url}/api/agents/runs/${runId}/events/stream`)
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (pattern?.test(text)) return text
  }
  if (pattern === undefined) return text
  throw new Error(`the stream ended without ${pattern}:\n${text}`)
}
