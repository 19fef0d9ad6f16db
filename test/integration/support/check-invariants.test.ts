// Tests the oracle on impossible databases, since a check that never fails proves nothing.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { QUIET_RULES, RULES, brokenWhenQuiet } from '../../support/check-invariants.ts'
import { test } from '../../support/runtime.ts'

type Rule = keyof typeof RULES | keyof typeof QUIET_RULES

const RUN = 'agent_runtime.run'
const EVENT = 'agent_runtime.event'
const JOB = 'agent_runtime_queue.job'
const of = (agentKey: string): string => `(SELECT id FROM ${RUN} WHERE agent_key = '${agentKey}')`

/** A violation of each rule, for a run that succeeded at its second attempt and one that failed. */
const CORRUPTIONS: Record<Rule, string> = {
  'sequence numbers are gapless from 1 to last_seq, but where compaction went': `DELETE FROM ${EVENT} WHERE run_id = ${of('good')} AND seq = 2`,
  'only compaction folds': `
    UPDATE ${EVENT} SET type = 'assistant.delta', payload = '{"messageId": "m", "content": "", "offset": 0}'
    WHERE type = 'assistant.message'`,
  'of a message that was compacted at most its beginning and its whole are left': `
    UPDATE agent_runtime.sweep SET at = now() + interval '1 hour' WHERE name = 'compaction';
    UPDATE ${EVENT} SET type = 'assistant.delta', attempt = 1, visibility = 'user',
      payload = '{"messageId": "m", "content": ""}'
    WHERE run_id = ${of('good')} AND type <> 'run.succeeded'`,
  'a run has one terminal event if it is over and none otherwise': `
    INSERT INTO ${EVENT} SELECT run_id, seq + 1, attempt, type, visibility, payload, ts
    FROM ${EVENT} WHERE type = 'run.succeeded'`,
  'the terminal event is the last and says what the status says': `
    UPDATE ${EVENT} SET type = 'run.failed' WHERE type = 'run.succeeded'`,
  'attempts never go back, and each begins with run.started': `
    UPDATE ${EVENT} SET attempt = 1 WHERE run_id = ${of('good')} AND type = 'assistant.message' AND attempt = 2`,
  'a run has as many attempts as were started': `UPDATE ${RUN} SET attempt = 7 WHERE agent_key = 'good'`,
  'no event is without its run': `DELETE FROM ${RUN} WHERE agent_key = 'good'`,
  'times say what the status says': `UPDATE ${RUN} SET finished_at = NULL WHERE agent_key = 'good'`,
  'what was cancelled ends in no other way': `UPDATE ${RUN} SET cancel_requested_at = now() WHERE agent_key = 'good'`,
  'an error belongs to a run that failed, an answer to one that did not': `
    UPDATE ${RUN} SET output = '"what it should have said"' WHERE agent_key = 'bad'`,
  'a run and its messages are in one conversation': `
    UPDATE agent_runtime.message SET conversation_id = gen_random_uuid() WHERE run_id = ${of('good')}`,
  'what is to be taken up has a delivery in the queue': `UPDATE ${RUN} SET status = 'queued' WHERE agent_key = 'good'`,
  'a run that waits has something to wait for': `UPDATE ${RUN} SET status = 'waiting' WHERE agent_key = 'good'`,
  'a turn is waited for only where another run is under way': `UPDATE ${RUN} SET turn = 1 WHERE agent_key = 'good'`,
  'a run is parked only where others of its principal or tenant are under way': `
    UPDATE ${RUN} SET gate = 'tenant', status = 'queued' WHERE agent_key = 'good'`,
  'no delivery is without its run': `
    UPDATE ${JOB} SET state = 'created', data = jsonb_build_object('runId', gen_random_uuid())`,
  'every run is over': `UPDATE ${RUN} SET status = 'running' WHERE agent_key = 'good'`,
  'nobody holds a lease': `UPDATE ${RUN} SET lease_owner = 'somebody' WHERE agent_key = 'good'`,
  'no delivery is left': `UPDATE ${JOB} SET state = 'active'`,
  'no delivery was given up': `UPDATE ${JOB} SET state = 'failed'`,
  'an attempt that another follows says so last': `
    UPDATE ${EVENT} SET type = 'assistant.message' WHERE type = 'run.retrying'`,
}

describe('the oracle', () => {
  test('fires for each of its rules, and for none of a sound database', async ({
    createServer,
    database,
  }) => {
    const good = defineAgent({
      key: 'good',
      maxAttempts: 2,
      async run(ctx) {
        await ctx.emitMessage(`attempt ${ctx.attempt}`)
        if (ctx.attempt === 1) throw new Error('not yet')
        return { output: 'said' }
      },
    })
    const bad = defineAgent({
      key: 'bad',
      run: async () => {
        throw new Error('never')
      },
    })
    const { rest } = await createServer({ agents: [good, bad] })
    for (const key of ['good', 'bad']) {
      const id = await rest.create(key, { messages: [{ role: 'user', content: 'Speak!' }] })
      await rest.events(`runs/${id}/events`)
    }
    const client = await database.connect()
    await expect.poll(() => brokenWhenQuiet(client)).toEqual({})

    const fired: Record<string, boolean> = {}
    for (const [rule, corruption] of Object.entries(CORRUPTIONS)) {
      await client.query('BEGIN')
      await client.query(corruption)
      fired[rule] = rule in (await brokenWhenQuiet(client))
      await client.query('ROLLBACK')
    }
    expect(fired).toEqual(
      Object.fromEntries(Object.keys({ ...RULES, ...QUIET_RULES }).map((rule) => [rule, true])),
    )
  })
})
