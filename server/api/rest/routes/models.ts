import { z } from 'zod'
import { answerJson } from '../../answer.ts'
import type { ApiServices } from '../../services.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { MODEL } from '../wire/examples.ts'
import { answerSchema } from '../wire/named.ts'

const RestModel = z.object({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  description: z.string(),
  supports_thinking: z.boolean(),
})

const RestModels = answerSchema(
  'Models',
  z.object({ models: z.array(RestModel), default: z.string().nullable() }),
)

const RestSystems = answerSchema('Systems', z.array(z.unknown()).max(0))

/** Frontends of the Python system request these lists to fill their menus. */
export function modelRoutes(listModels: ApiServices['listModels']): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/models/',
      operationId: 'listModels',
      summary: 'The models that a run may name as its `model`',
      answers: {
        200: {
          description: 'The default model comes first',
          content: json(RestModels, { models: [MODEL], default: MODEL.id }),
        },
      },
      async handle() {
        const models = listModels().map((model) => ({ ...model, description: '', supports_thinking: false }))
        return answerJson({ models, default: models[0]?.id ?? null })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/systems/',
      operationId: 'listSystems',
      summary: 'Always empty',
      description:
        'Always empty: a runtime has agents, but no systems of agents. Frontends of the Python system request both.',
      answers: { 200: { description: 'None', content: json(RestSystems, []) } },
      handle: async () => answerJson([]),
    }),
  ]
}
