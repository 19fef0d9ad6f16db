import { afterAll, beforeAll, beforeEach } from 'vitest'

/**
 * What the tests of a file share. Another try of a test gets it anew, since it would trip over what the first try left behind:
 * conversations of the same title, answers that are no longer held.
 *
 * @example
 * let scene: ChatScene
 * shareScene(async () => (scene = await openChat()))
 */
export function shareScene(open: () => Promise<AsyncDisposable>): void {
  let scene: AsyncDisposable | undefined
  const close = async () => {
    const closing = scene
    scene = undefined
    await closing?.[Symbol.asyncDispose]()
  }
  beforeAll(async () => {
    scene = await open()
  })
  beforeEach(async ({ task }) => {
    if ((task.result?.retryCount ?? 0) === 0) return
    await close()
    scene = await open()
  })
  afterAll(close)
}
