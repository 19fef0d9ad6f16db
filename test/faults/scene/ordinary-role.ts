import type { ScenePostgres } from './postgres.ts'

/**
 * Creates a role that limits apply to; they do not apply to a superuser.
 *
 * @returns the URL for it
 */
export async function createOrdinaryRole({ sql, directUrl }: ScenePostgres, name: string): Promise<string> {
  await sql(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`)
  for (const schema of ['agent_runtime', 'agent_runtime_queue', 'faults']) {
    await sql(`GRANT ALL ON SCHEMA ${schema} TO ${name}`)
    await sql(`GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${name}`)
    await sql(`GRANT ALL ON ALL SEQUENCES IN SCHEMA ${schema} TO ${name}`)
    await sql(`GRANT ALL ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${name}`)
    await sql(`ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT ALL ON TABLES TO ${name}`)
  }
  const url = new URL(directUrl)
  url.username = url.password = name
  return url.href
}
