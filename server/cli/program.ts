import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { Command } from 'commander'
import { reportError } from './cli-error.ts'
import { outliveDeadOutput } from './dead-output.ts'
import { devCommand } from './dev/dev.ts'
import { doctorCommand } from './doctor.ts'
import { loadEnvironmentFile } from './environment-file.ts'
import { migrateCommand } from './migrate.ts'
import { serveCommand } from './serve.ts'
import { workerCommand } from './worker.ts'

/** Runs the requested command, and ends the process with it. */
export async function runProgram(): Promise<never> {
  outliveDeadOutput()
  const program = new Command('agent-runtime')
    .description('Runs AI agents on Postgres: typed API, durable event streams, workers.')
    .version(ownVersion())
    .addCommand(devCommand())
    .addCommand(serveCommand())
    .addCommand(workerCommand())
    .addCommand(migrateCommand())
    .addCommand(doctorCommand())
    // Before the options are read, since some of them come from the environment.
    .hook('preSubcommand', (_program, command) => {
      if (command.name() === 'dev') loadEnvironmentFile()
    })
    .showHelpAfterError('Add --help to see what it understands.')
    .addHelpText('after', '\nEach command has its own help: agent-runtime dev --help')

  // Ends the process in any case: handles that a library leaves open must not keep a finished command alive.
  try {
    await program.parseAsync()
    process.exit()
  } catch (error) {
    reportError(error)
    process.exit(1)
  }
}

function ownVersion(): string {
  const path = findPackageJSON(import.meta.url)
  const { version } = JSON.parse(readFileSync(path ?? '', 'utf8')) as { version: string }
  return version
}
