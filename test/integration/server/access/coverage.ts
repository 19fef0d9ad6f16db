// All procedures and routes, as the router and the HTTP face list them.
import type { Hono } from 'hono'
import type { Row } from './row.ts'

interface Routed {
  _def: { procedures: object }
}

export function proceduresOf({ _def }: Routed): string[] {
  return Object.keys(_def.procedures)
}

/** Those of the router have rows of their own. */
const TRPC = 'ALL /trpc/*'

/** Without handlers that come before routes, and without answers that a path does not take a method. */
export function routesOf({ routes }: Pick<Hono, 'routes'>): string[] {
  const methods = Map.groupBy(routes, ({ path }) => path)
  const keys = routes
    .filter(({ method, path }) => {
      const isBefore = method === 'ALL' && path.endsWith('/*')
      const isRest = method === 'ALL' && methods.get(path)?.some((other) => other.method !== 'ALL')
      return !isBefore && isRest !== true
    })
    .map(({ method, path }) => `${method} ${path}`)
  return [...new Set(keys)].filter((key) => key !== TRPC)
}

export function withoutRow(existing: readonly string[], rows: readonly Pick<Row<never>, 'of'>[]): string[] {
  return existing.filter((one) => !rows.some(({ of }) => of === one))
}
