import type { Model } from '../ports/model.ts'

/** A model whose client is loaded when it is needed: the code of those that are not stays out of the process. */
export function createDeferredModel(
  identity: Pick<Model, 'provider' | 'name'>,
  load: () => Promise<Model>,
): Model {
  let loading: Promise<Model> | undefined
  const model = () =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    }))
  return {
    ...identity,
    async prepare() {
      await (await model()).prepare?.()
    },
    async *stream(...request) {
      yield* (await model()).stream(...request)
    },
  }
}
