import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { versionOf } from '../../../server/cli/child/imported-files.ts'
import { FileWatch } from '../../../server/cli/dev/reload/file-watch.ts'
import { createWorkspace } from '../../support/cli.ts'

interface Watched extends AsyncDisposable {
  folder: string
  path: string
  /** The names of the files in each change so far. */
  changes: string[][]
}

async function watchTwoFiles(): Promise<Watched> {
  const workspace = await createWorkspace()
  const folder = workspace.path
  const path = join(folder, 'src/agent.ts')
  await workspace.write('src/tool.ts', 'first')
  const changes: string[][] = []
  const isWatching = Promise.withResolvers<void>()
  const watch = new FileWatch(({ paths }) => {
    isWatching.resolve()
    changes.push(paths.map((changed) => changed.slice(folder.length + 1)))
  })
  const tool = join(folder, 'src/tool.ts')
  watch.add([[tool, versionOf(tool)]])
  // Not the current version: the first look reports it, which is also when watching begins.
  await workspace.write('src/agent.ts', 'first')
  watch.add([[path, 'absent']])
  await isWatching.promise
  changes.length = 0
  return {
    folder,
    path,
    changes,
    async [Symbol.asyncDispose]() {
      watch.close()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

test('a file written in place', async () => {
  await using watched = await watchTwoFiles()
  const { path, changes } = watched
  await writeFile(path, 'second')
  await expect.poll(() => changes).toEqual([['src/agent.ts']])
})

test('a file replaced by a rename, again and again', async () => {
  await using watched = await watchTwoFiles()
  const { path, changes } = watched
  for (let save = 1; save <= 3; save++) {
    await writeFile(`${path}.swp`, `save ${save}`)
    await rename(`${path}.swp`, path)
    await expect.poll(() => changes).toHaveLength(save)
  }
})

test('a file deleted and created again', async () => {
  await using watched = await watchTwoFiles()
  const { path, changes } = watched
  await rm(path)
  await expect.poll(() => changes).toHaveLength(1)
  await writeFile(path, 'again')
  await expect.poll(() => changes).toHaveLength(2)
})

test('a folder deleted and created again', async () => {
  await using watched = await watchTwoFiles()
  const { folder, path, changes } = watched
  await rm(join(folder, 'src'), { recursive: true })
  await expect.poll(() => changes).toEqual([expect.arrayContaining(['src/agent.ts', 'src/tool.ts'])])
  await mkdir(join(folder, 'src'))
  await writeFile(path, 'again')
  await expect.poll(() => changes.at(-1)).toEqual(['src/agent.ts'])
  await writeFile(path, 'and again')
  await expect.poll(() => changes).toHaveLength(3)
})

test('a burst is one change', async () => {
  await using watched = await watchTwoFiles()
  const { folder, path, changes } = watched
  await Promise.all([writeFile(path, 'a'), writeFile(join(folder, 'src/tool.ts'), 'b')])
  await writeFile(path, 'ab')
  await expect.poll(() => changes).toEqual([expect.arrayContaining(['src/agent.ts', 'src/tool.ts'])])
})

test('other files of the folder are nothing to it', async () => {
  await using watched = await watchTwoFiles()
  const { folder, path, changes } = watched
  await writeFile(join(folder, 'src/notes.md'), 'not imported')
  await writeFile(path, 'second')
  await expect.poll(() => changes).toEqual([['src/agent.ts']])
})

test('a version that is not the one imported is a change from the start', async () => {
  await using workspace = await createWorkspace()
  await workspace.write('agent.ts', 'saved meanwhile')
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const watch = new FileWatch(({ paths }) => resolve(paths))
  watch.add([[join(workspace.path, 'agent.ts'), '1:1']])
  expect(await promise).toEqual([join(workspace.path, 'agent.ts')])
  watch.close()
})
