import { StartupError } from '../../ports/startup-error.ts'

/** Turns a database error into one sentence that says what to do. A StartupError stays as it is. */
export function toStartupError(
  error: unknown,
  databaseUrl: string,
  variable: 'DATABASE_URL' | 'DIRECT_URL' = 'DATABASE_URL',
): StartupError {
  if (error instanceof StartupError) return error
  return new StartupError(describe(error, hostOf(databaseUrl, variable), variable), { cause: error })
}

function describe(error: unknown, where: string, variable: string): string {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
      return `No PostgreSQL answers at ${where}. Start it, or correct ${variable}.`
    case '3D000':
      return `The database ${where} does not exist. Create it, or correct ${variable}.`
    case '28P01':
    case '28000':
      return `PostgreSQL at ${where} refuses the user or password in ${variable}.`
    case '42P01':
    case '3F000':
      return `The database ${where} has no agent_runtime tables yet. Run: agent-runtime migrate`
    case '57P03':
      return `PostgreSQL at ${where} is still starting up. Try again in a moment.`
    default:
      return `The database ${where} can't be used: ${error instanceof Error ? error.message : String(error)}`
  }
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** Host, port and database, without the credentials. */
function hostOf(databaseUrl: string, variable: string): string {
  if (!URL.canParse(databaseUrl)) return `(${variable} is not a URL)`
  const url = new URL(databaseUrl)
  return `${url.hostname}:${url.port || '5432'}${url.pathname}`
}
