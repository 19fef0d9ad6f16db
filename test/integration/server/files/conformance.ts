// The behaviour that every file store must have. Its test file passes it in.
import { describe, expect, test as base } from 'vitest'
import { v7 as uuidv7 } from 'uuid'
import { FileGone } from '../../../../server/ports/files.ts'
import type { Files } from '../../../../server/ports/files.ts'

export interface Keeper extends AsyncDisposable {
  files: Files
  /** The same store in another server. */
  other: Files
  /** What must exist before something is written. */
  prepare(fileId: string): Promise<void>
  /** How many pieces of files exist. */
  count(): Promise<number>
}

const MEGABYTE = 1024 * 1024

/** Bytes that differ by position. */
function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(at, at)
  return bytes
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

export function testFiles(createKeeper: () => Promise<Keeper>): void {
  const test = base.extend<{ keeper: Keeper; fileId: string }>({
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from it that no other fixture is needed
    keeper: async ({}, use) => {
      await using keeper = await createKeeper()
      await use(keeper)
    },
    fileId: async ({ keeper }, use) => {
      const id = uuidv7()
      await keeper.prepare(id)
      await use(id)
    },
  })

  describe('what is written', () => {
    test.for([0, 1, 5, 256 * 1024, 256 * 1024 + 1, 3 * MEGABYTE - 7])(
      'is read as it was, all of it or any part: %i bytes',
      async (size, { keeper, fileId }) => {
        const bytes = bytesOf(size)
        await keeper.files.write(fileId, inChunks(bytes, 60_001))
        expect(await joined(keeper.files.read(fileId, { start: 0, end: size }))).toEqual(bytes)
        for (const [start, end] of [
          [0, Math.min(1, size)],
          [Math.max(0, size - 1), size],
          [Math.floor(size / 3), Math.floor(size / 2)],
        ] as const) {
          const part = await joined(keeper.other.read(fileId, { start, end }))
          expect(part.equals(bytes.subarray(start, end))).toBe(true)
        }
      },
    )

    test('is written by one while others write theirs', async ({ keeper }) => {
      const written = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const id = uuidv7()
          await keeper.prepare(id)
          const bytes = bytesOf(MEGABYTE + index)
          await (index % 2 === 0 ? keeper.files : keeper.other).write(id, inChunks(bytes, 10_000))
          return { id, bytes }
        }),
      )
      for (const { id, bytes } of written) {
        const read = await joined(keeper.files.read(id, { start: 0, end: bytes.length }))
        expect(read.equals(bytes)).toBe(true)
      }
    })

    test('is taken no faster than it is kept', { timeout: 180_000 }, async ({ keeper, fileId }) => {
      let [given, most] = [0, 0]
      async function* counted() {
        for (let at = 0; at < 64; at += 1) {
          given += 1
          yield bytesOf(256 * 1024)
          most = Math.max(most, given - (await keeper.count()))
        }
      }
      await keeper.files.write(fileId, counted())
      expect(given).toBe(64)
      // In a folder, a file is one piece, however large it is.
      if ((await keeper.count()) > 1) expect(most).toBeLessThanOrEqual(2)
    })
  })

  test('what breaks off rejects with its reason, and is removed like all else', async ({
    keeper,
    fileId,
  }) => {
    async function* broken() {
      yield bytesOf(MEGABYTE)
      throw new Error('The client left.')
    }
    await expect(keeper.files.write(fileId, broken())).rejects.toThrow('The client left.')
    await keeper.files.remove([fileId])
    expect(await keeper.count()).toBe(0)
  })

  test('what is not there is gone, and can be removed all the same', async ({ keeper, fileId }) => {
    await keeper.files.remove([fileId, uuidv7()])
    await expect(joined(keeper.files.read(fileId, { start: 0, end: 10 }))).rejects.toThrow(FileGone)
  })

  test('a reader that stops reads no further, and one whose file is removed is told', async ({
    keeper,
    fileId,
  }) => {
    const size = 4 * MEGABYTE
    await keeper.files.write(fileId, inChunks(bytesOf(size), MEGABYTE))
    for await (const piece of keeper.files.read(fileId, { start: 0, end: size })) {
      expect(piece.length).toBeLessThanOrEqual(256 * 1024)
      break
    }
    await keeper.other.remove([fileId])
    await expect(joined(keeper.files.read(fileId, { start: 0, end: size }))).rejects.toThrow(FileGone)
    expect(await keeper.count()).toBe(0)
  })
}
