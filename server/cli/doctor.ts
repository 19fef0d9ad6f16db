import { Command } from 'commander'
import { deliverAgain, examineDatabase } from '../postgres/examination/examine.ts'
import { createLogger } from '../telemetry/pino-logger.ts'
import { diagnose } from '../domain/doctor/diagnose.ts'
import { requireDatabaseUrl } from './database-url.ts'
import { formatReport } from './doctor-report.ts'

interface DoctorOptions {
  fix?: true
  json?: true
}

const RENEWED =
  'The servers and workers there are deliver all open runs to Redis again within a second or so.'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Check the database, the workers and the runs, and say what to do.')
    .option(
      '--fix',
      'also deliver runs again that have no delivery in the queue, and all runs to a queue in Redis; without it nothing is changed',
    )
    .option('--json', 'print the findings and all data as JSON, for machines')
    .addHelpText(
      'after',
      `
Examples:
  $ DATABASE_URL=postgresql://user:password@host:5432/app agent-runtime doctor
  $ agent-runtime doctor --json | jq '.findings[] | select(.level == "problem")'

Use the DATABASE_URL and DIRECT_URL of your servers and workers: what lies between them and PostgreSQL is
looked at too.
It exits with 0 when all is well and with 1 when there is something to do.

Environment:
  DATABASE_URL        PostgreSQL connection URL (needed)
  DIRECT_URL          PostgreSQL itself, where DATABASE_URL leads to a pooler
  LOG_LEVEL=debug     shows where errors came from`,
    )
    .action(doctor)
}

async function doctor({ fix, json }: DoctorOptions): Promise<void> {
  const databaseUrl = requireDatabaseUrl()
  const directUrl = process.env['DIRECT_URL'] || undefined
  const log = createLogger()
  const examine = () => examineDatabase({ databaseUrl, directUrl, log, now: Date.now() })
  let examination = await examine()
  let fixed = 0
  let renewed = 0
  if (fix && examination.state === 'examined') {
    ;({ runs: fixed, queues: renewed } = await deliverAgain(databaseUrl, log))
    if (fixed > 0) examination = await examine()
  }
  const findings = diagnose(examination, Date.now())
  const isWell = findings.every(({ level }) => level !== 'problem')
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ ok: isWell, fixed, renewed, findings, examination }, null, 2)}\n`,
    )
  } else {
    if (fixed > 0) process.stdout.write(`Delivered ${fixed} run${fixed === 1 ? '' : 's'} again.\n\n`)
    if (renewed > 0) process.stdout.write(`${RENEWED}\n\n`)
    process.stdout.write(formatReport(findings))
  }
  if (!isWell) process.exitCode = 1
}
