// The model of these agents: one of OpenAI's. Without a key it is a local server that calls the offered tool
// and tells the result.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

async function startDemo(): Promise<string> {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { messages } = body as { messages: { role: string; content: string }[] }
      const last = messages.at(-1)
      const call = { index: 0, id: `call_${Date.now()}`, type: 'function' }
      const weather = { ...call, function: { name: 'get_weather', arguments: '{"city":"Lisbon"}' } }
      const isTold = last?.role === 'tool'
      const delta = isTold ? { content: `It is so: ${last.content}` } : { tool_calls: [weather] }
      const chunk = { id: `answer_${Date.now()}`, object: 'chat.completion.chunk', model: 'demo' }
      const frames = [
        { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', ...delta }, finish_reason: null }] },
        { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: isTold ? 'stop' : 'tool_calls' }] },
        { ...chunk, choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } },
      ]
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('')}data: [DONE]\n\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const key = process.env['OPENAI_API_KEY']

export const apiKey = key ?? 'demo'
export const baseURL =
  key === undefined ? await startDemo() : (process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1')
export const modelName = process.env['OPENAI_MODEL'] ?? (key === undefined ? 'demo' : 'gpt-5.6-terra')
