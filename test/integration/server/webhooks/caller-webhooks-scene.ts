import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { Authenticate, Settings } from '../../../../server/index.ts'
import type { CreateServer } from '../../../support/runtime.ts'
import { secretOf } from '../../../support/webhook-receiver.ts'

export const [SECRET, OTHER_SECRET] = [secretOf('a'), secretOf('b')]
export const PRIVATE: Settings = { webhookHosts: ['127.0.0.1', 'localhost'], webhookAllowPrivate: true }
export const POLL = { timeout: 20_000 }

const quick = defineAgent({ key: 'quick', run: async () => ({ output: 'done' }) })
const asking = defineAgent({
  key: 'asking',
  run: async (ctx) => ({ output: (await ctx.wait('word', z.string())).value }),
})
const agents = [quick, asking] as const

const authenticate: Authenticate = (request) => {
  const [id = 'ada', tenantId = 'acme', kind = 'user'] = (request.headers.get('authorization') ?? '').split(
    ' ',
  )
  return { id: id || 'ada', tenantId, kind: kind as 'user' }
}
export const serve = (createServer: CreateServer, config: Settings = PRIVATE, more = {}) =>
  createServer({ agents, authenticate, config, ...more })

export const urlOf = ({ port }: { port: number }, path = '/hooks') => `http://127.0.0.1:${port}${path}`
