// The example is what docs/guides/python-agent.md shows. `npm run test:package` follows the guide itself.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const read = (name: string) => readFile(fileURLToPath(new URL(`../../../${name}`, import.meta.url)), 'utf8')

test('the guide shows the program of the example as it is', async () => {
  expect(await read('docs/guides/python-agent.md')).toContain(
    `\`\`\`python\n${await read('examples/python-agent/agent.py')}\`\`\``,
  )
})
