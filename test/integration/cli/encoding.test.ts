import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { createWorkspace, entry, runCli } from '../../support/cli.ts'

const NAME = 'test_latin1'

test.for([
  ['migrate', ['migrate'], /^agent-runtime: /],
  ['serve', ['serve', entry('working'), '--port', '0', '--insecure'], /^agent-runtime: /],
  ['worker', ['worker', entry('working')], /^agent-runtime: /],
  ['doctor', ['doctor'], /^✗ /],
] as const)('%s refuses a database that is not UTF8', async ([command, args, begins]) => {
  const { adminUrl } = inject('postgres')
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  const name = `${NAME}_${command}`
  await admin.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
  try {
    await using folder = await createWorkspace()
    const env = { DATABASE_URL: adminUrl.replace(/[^/]+$/, name) }
    await using process = runCli(args, { cwd: folder.path, env })
    expect(await process.exited).toBe(1)
    const [said = ''] = (process.stdout() + process.stderr()).split('\n')
    expect(said).toMatch(begins)
    expect(said).toContain(
      `The database ${name} is encoded in LATIN1, which can't hold every character: make one`,
    )
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.end()
  }
})
