// `npm run bench:reducer`: what a client takes to read runs that have very many of one thing.
import { Command } from 'commander'
import { initialRunState, reduceRun } from '../../client/run-state.ts'
import { LONG_RUNS } from './long-runs.ts'

const COUNTS = [100, 1_000, 10_000]

new Command('bench:reducer')
  .description(
    `Reads runs that have ${COUNTS.join(', ')} of one thing, event by event: milliseconds that the client's reducer takes`,
  )
  .parse()

process.stdout.write(`| | ${COUNTS.join(' | ')} |\n|---|${COUNTS.map(() => '--:|').join('')}\n`)
for (const [name, tell] of Object.entries(LONG_RUNS)) {
  const shown = COUNTS.map((count) => `${milliseconds(() => tell(count))} ms`)
  process.stdout.write(`| ${name} | ${shown.join(' | ')} |\n`)
}

function milliseconds(tell: () => ReturnType<(typeof LONG_RUNS)[string]>): string {
  const events = tell()
  const began = performance.now()
  const { messages } = events.reduce(reduceRun, initialRunState())
  const took = performance.now() - began
  if (messages === undefined) throw new Error('The reducer made nothing of it.')
  return took.toFixed(took < 10 ? 1 : 0)
}
