import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../server/index.ts'

const run = async () => {}
const topic = z.object({ topic: z.string(), depth: z.number().default(1) })
const schedule = { name: 's', cron: '* * * * *' }

test('a schedule has the params its agent takes, defaults left out', () => {
  const schedules = [{ ...schedule, params: { topic: 'news' } }]
  expectTypeOf(defineAgent({ key: 'a', params: topic, schedules, run }).key).toEqualTypeOf<'a'>()
  // @ts-expect-error a topic is text
  defineAgent({ key: 'a', params: topic, schedules: [{ ...schedule, params: { topic: 7 } }], run })
  // @ts-expect-error without its params it can't run
  defineAgent({ key: 'a', params: topic, schedules: [schedule], run })
})

test('a schedule of an agent that needs no params may have none', () => {
  expectTypeOf(defineAgent({ key: 'a', schedules: [schedule], run }).key).toEqualTypeOf<'a'>()
  defineAgent({ key: 'a', params: z.object({ depth: z.number().default(1) }), schedules: [schedule], run })
  defineAgent({ key: 'a', schedules: [{ ...schedule, params: { topic: 'news' } }], run })
  // @ts-expect-error that is no JSON
  defineAgent({ key: 'a', schedules: [{ ...schedule, params: { topic: 1n } }], run })
})
