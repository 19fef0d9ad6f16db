import type { SentStore } from '../../ports/store/sent-store.ts'
import { findLeft, keepLeft, readLeft } from '../statements/left-messages.ts'
import { passOn } from '../statements/pass-on.ts'
import { sendMessage, takeSent } from '../statements/sent-messages.ts'
import type { StoreParts } from './store-parts.ts'

export function createSentStore({ pool, delivering, visibilityOf, runsAtOnce }: StoreParts): SentStore {
  return {
    sendMessage: (owner, sent) => sendMessage(pool, owner, sent),
    takeSent: (run) => takeSent(pool, run),
    findLeft: (after, limit) => findLeft(pool, after, limit),
    readLeft: (runId) => readLeft(pool, runId),
    keepLeft: (runId) => keepLeft(pool, runId),
    passOn: (from, next, options) =>
      delivering((deliver) =>
        passOn(pool, [from, next, options], { ...options, visibilityOf, runsAtOnce, deliver }),
      ),
  }
}
