// The examples in the OpenAPI document are valid requests and answers of the routes.
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { createRestRoutes } from '../../../../server/api/rest/app.ts'
import type { TransferSettings } from '../../../../server/api/files/transfer.ts'
import type { ApiServices } from '../../../../server/api/services.ts'

// Routes are only declared here and never called.
const routes = createRestRoutes(
  { restLists: 'envelope', streamKeepAliveMs: 1_000 } as unknown as ApiServices,
  {
    watchReader: () => {
      throw new Error('Nobody reads here.')
    },
    forms: {} as TransferSettings,
  },
)

const STREAM = 'text/event-stream'

/** A stream's schema is that of one event's data. */
function dataOf(frames: unknown): unknown {
  const [, data = ''] = /^data: (.*)$/m.exec(String(frames)) ?? []
  return JSON.parse(data)
}

type Example = [what: string, schema: z.ZodType, example: unknown]

const EXAMPLES = routes.flatMap(({ method, path, body, answers }): Example[] => [
  ...(body?.example === undefined ? [] : [[`${method} ${path} asks`, body.schema, body.example] as Example]),
  ...Object.entries(answers).flatMap(([status, { content = {} }]) =>
    Object.entries(content).flatMap(([type, { schema, example }]): Example[] =>
      example === undefined
        ? []
        : [[`${method} ${path} answers ${status}`, schema, type === STREAM ? dataOf(example) : example]],
    ),
  ),
])

test.each(EXAMPLES)('%s', (_, schema, example) => {
  expect(schema.safeParse(example)).toMatchObject({ success: true })
})

test('there are some', () => {
  expect(EXAMPLES.length).toBeGreaterThan(10)
})
