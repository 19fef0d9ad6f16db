import type { SentStore } from '../../ports/store/sent-store.ts'
import { passOn } from '../statements/pass-on.ts'
import { findLeft, sendMessage, takeSent } from '../statements/sent-messages.ts'
import type { StoreParts } from './store-parts.ts'

export function createSentStore({ pool, delivering, visibilityOf, runsAtOnce }: StoreParts): SentStore {
  return {
    sendMessage: (owner, sent) => sendMessage(pool, owner, sent),
    takeSent: (run) => takeSent(pool, run),
    findLeft: (runIds) => findLeft(pool, runIds),
    passOn: (from, next, options) =>
      delivering((deliver) =>
        passOn(pool, [from, next, options], { ...options, visibilityOf, runsAtOnce, deliver }),
      ),
  }
}
