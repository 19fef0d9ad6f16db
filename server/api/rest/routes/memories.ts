import type { ListMemoriesRequest } from '../../../contract/memory.ts'
import { ANSWER_HEADERS, answerJson } from '../../answer.ts'
import type { ApiServices } from '../../services.ts'
import type { AnswerList } from '../answer-list.ts'
import { ListMemoriesQuery } from '../queries.ts'
import { defineRoute, json } from '../route.ts'
import type { Route } from '../route.ts'
import { MEMORY } from '../wire/examples.ts'
import { RestMemory, toRestMemory } from '../wire/memory.ts'
import { pageOf } from '../wire/page.ts'

const RestMemoryPage = pageOf('MemoryPage', RestMemory)

export function memoryRoutes({ memories }: Pick<ApiServices, 'memories'>, answerList: AnswerList): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/memories/',
      operationId: 'listMemories',
      procedure: 'memories.list',
      summary: 'List what agents remember, newest first',
      description: 'Includes memories that the tenant shares, if the caller may see them.',
      query: ListMemoriesQuery,
      answers: { 200: { description: 'A page of memories', content: json(RestMemoryPage) } },
      refusals: ['forbidden', 'rate_limited'],
      async handle({ c, principal, query }) {
        const page = await memories.list(principal, query as ListMemoriesRequest)
        return answerList(c, page, { query: ListMemoriesQuery, toRest: toRestMemory })
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/memories/{id}/',
      operationId: 'getMemory',
      procedure: 'memories.get',
      summary: 'A memory',
      answers: { 200: { description: 'The memory', content: json(RestMemory, MEMORY) } },
      refusals: ['not_found'],
      handle: async ({ principal, id }) => answerJson(toRestMemory(await memories.get(principal, id))),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/memories/{id}/',
      operationId: 'deleteMemory',
      procedure: 'memories.delete',
      summary: 'Delete a memory',
      answers: { 204: { description: 'It is deleted' } },
      refusals: ['forbidden', 'not_found'],
      async handle({ principal, id }) {
        await memories.delete(principal, id)
        return new Response(null, { status: 204, headers: ANSWER_HEADERS })
      },
    }),
  ]
}
