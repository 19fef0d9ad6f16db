import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StoreFailure } from '../../../../server/ports/store/store-failure.ts'
import { createWriter } from './create-writer.ts'
import { NumberedAgent } from './numbered-agent.ts'

type Action =
  | { do: 'emit'; run: number; kind: 'delta' | 'other' }
  | { do: 'end' | 'cancel' | 'fence'; run: number }
  | { do: 'let go on' }
  | { do: 'microtask' }

const RUNS = ['r0', 'r1', 'r2']
const run = fc.nat(RUNS.length - 1)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('emit'), run, kind: fc.constantFrom('delta', 'other') }),
    weight: 12,
  },
  { arbitrary: fc.record({ do: fc.constantFrom('end', 'cancel', 'fence'), run }), weight: 2 },
  { arbitrary: fc.constant<Action>({ do: 'let go on' }), weight: 6 },
  { arbitrary: fc.constant<Action>({ do: 'microtask' }), weight: 6 },
)

/** The fate of an append: it succeeds, meets a locked row or a broken network, or only its answer is lost. */
const fate = fc.constantFrom('works', 'works', 'works', 'contended', 'fails', 'answer lost')

describe('the writer, whatever the store and the agents do', () => {
  test('every event once, in order, without gaps; one end, the last; what was fenced wrote a beginning only', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(action, { maxLength: 60 }),
        fc.infiniteStream(fate),
        async (s, actions, fates) => {
          const { writer, store, ports } = createWriter()
          const fate = () => fates.next().value
          ports.store.append = async (batch) => {
            const meets = fate()
            await s.schedule(Promise.resolve())
            if (meets === 'fails') throw new Error('fails')
            if (meets === 'contended') throw new StoreFailure('contended', 'contended', { cause: null })
            const outcomes = await store.append(batch)
            await s.schedule(Promise.resolve())
            if (meets === 'answer lost') throw new Error('answer lost')
            return outcomes
          }
          ports.clock.sleep = () => s.schedule(Promise.resolve())
          ports.clock.nextPass = () => s.schedule(Promise.resolve())

          const agents = RUNS.map((id) => new NumberedAgent(writer, store, id))
          const works: Promise<void>[] = []
          for (const each of actions) {
            const agent = agents['run' in each ? each.run : 0] as NumberedAgent
            if (each.do === 'let go on' && s.count() > 0) await s.waitOne()
            if (each.do === 'microtask') await Promise.resolve()
            if (each.do === 'emit') works.push(agent.emit(each.kind))
            if (each.do === 'end') works.push(agent.end())
            if (each.do === 'cancel') agent.cancel()
            if (each.do === 'fence') agent.fence()
          }
          await s.waitIdle()
          // Earlier events may not depend on later ones: what is not written by now is lost.
          expect(agents.flatMap((agent) => agent.problems())).toEqual([])
          for (const agent of agents) works.push(agent.end())
          await s.waitIdle()
          await Promise.all(works)
          expect(agents.flatMap((agent) => agent.problems())).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })
})
