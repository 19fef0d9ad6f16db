#!/usr/bin/env node
// Checks Node's version before it imports anything: an older Node fails at the first import, with a stack
// that nobody understands.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`agent-runtime needs Node 22.18 or newer; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  const { runProgram } = await import('./program.ts')
  await runProgram()
}
