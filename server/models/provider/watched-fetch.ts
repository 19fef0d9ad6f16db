import { fetchWithoutLongWaits } from './retry-after.ts'

/** `fetch` for a provider's SDK, which tells of each sign of life: SDKs keep keep-alives to themselves. */
export function watchedFetch(onActivity: () => void): typeof fetchWithoutLongWaits {
  return async (input, init) => {
    const response = await fetchWithoutLongWaits(input, init)
    onActivity()
    const watch = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        onActivity()
        controller.enqueue(bytes)
      },
    })
    return new Response(response.body?.pipeThrough(watch) ?? null, response)
  }
}
