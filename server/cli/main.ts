#!/usr/bin/env node
import { Command } from 'commander'
import { reportError } from './cli-error.ts'
import { outliveDeadOutput } from './dead-output.ts'
import { devCommand } from './dev.ts'
import { doctorCommand } from './doctor.ts'
import { migrateCommand } from './migrate.ts'
import { serveCommand } from './serve.ts'
import { workerCommand } from './worker.ts'

outliveDeadOutput()

const program = new Command('agent-runtime')
  .description('Runs AI agents on Postgres: typed API, durable event streams, workers.')
  .addCommand(devCommand())
  .addCommand(serveCommand())
  .addCommand(workerCommand())
  .addCommand(migrateCommand())
  .addCommand(doctorCommand())
  .showHelpAfterError('Add --help to see what it understands.')
  .addHelpText('after', '\nEach command has its own help: agent-runtime dev --help')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`agent-runtime needs Node 22.18 or newer; this is ${process.versions.node}.\n`)
  process.exit(1)
}

// Ends here in any case: what a library leaves open must not keep a command that is done.
try {
  await program.parseAsync()
  process.exit()
} catch (error) {
  reportError(error)
  process.exit(1)
}
