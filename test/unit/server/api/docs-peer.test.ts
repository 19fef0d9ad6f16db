// The page of the API without the package that it needs.
import { Hono } from 'hono'
import { expect, test, vi } from 'vitest'
import { addDocsRoutes } from '../../../../server/api/docs/routes.ts'
import type { RestEnv } from '../../../../server/api/rest/route.ts'

vi.mock(import('node:module'), async (original) => {
  const createRequire = () => ({
    resolve(name: string) {
      throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' })
    },
  })
  return { ...(await original()), createRequire: createRequire as never }
})

test.for(['docs/', 'docs/assets/swagger-ui.css'])('says at %s what to install', async (path) => {
  const errors: Error[] = []
  const app = new Hono<RestEnv>({ strict: false })
  app.onError((error) => {
    errors.push(error)
    return new Response(null, { status: 404 })
  })
  addDocsRoutes(app, '/api/agents')
  await app.request(`/api/agents/${path}`)
  expect(errors).toMatchObject([
    {
      code: 'not_found',
      message: 'The page of the API needs the package swagger-ui-dist: npm install swagger-ui-dist',
    },
  ])
})
