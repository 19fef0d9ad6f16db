import type { ConversationStore } from '../../ports/store/conversation-store.ts'
import * as reads from '../prisma/reads.ts'
import { createConversation } from '../statements/create-conversation.ts'
import { forkConversation } from '../statements/fork-conversation.ts'
import { listTurns, moveTurn } from '../statements/queued-turns.ts'
import { readConversationPlace } from '../statements/read-conversation-place.ts'
import { createReadConversationRuns } from '../statements/read-conversation-runs.ts'
import { readHistory } from '../statements/read-history.ts'
import { readBrokenOff } from '../statements/read-broken-off.ts'
import { readSummaries } from '../statements/read-summaries.ts'
import { readReasoning } from '../statements/read-reasoning.ts'
import { askForTitle, setTitle } from '../statements/title-conversation.ts'
import { selectBranch } from '../statements/select-branch.ts'
import { giveTurns } from '../statements/upkeep.ts'
import { updateConversation } from '../statements/update-conversation.ts'
import type { StoreParts } from './store-parts.ts'

export function createConversationStore({
  pool,
  prisma,
  delivering,
  visibilityOf,
}: StoreParts): ConversationStore {
  return {
    createConversation: (owner, conversation) => createConversation(pool, owner, conversation),
    updateConversation: (owner, conversationId, changes) =>
      updateConversation(pool, { owner, conversationId }, changes),
    getConversation: (reach, conversationId) => reads.getConversation(prisma, reach, conversationId),
    listConversations: (reach, filter, cursor) => reads.listConversations(pool, { reach, filter, cursor }),
    readHistory: (reach, conversationId, window) => readHistory(pool, { reach, conversationId }, window),
    readSummaries: (reach, runIds) => readSummaries(pool, reach, runIds),
    readBrokenOff: (reach, runIds, visibilities) => readBrokenOff(pool, reach, runIds, visibilities),
    readReasoning: (reach, messages, visibilities) => readReasoning(pool, reach, messages, visibilities),
    readConversationPlace: (reach, asked) => readConversationPlace(pool, reach, asked),
    readConversationRuns: createReadConversationRuns(pool),
    askForTitle: (conversationId) => askForTitle(pool, conversationId),
    setTitle: (conversationId, title) => setTitle(pool, conversationId, title),
    selectBranch: (owner, conversationId, messageId) =>
      selectBranch(pool, { owner, conversationId }, messageId),
    forkConversation: (fork) => forkConversation(pool, fork, visibilityOf),
    listTurns: (reach, conversationId) => listTurns(pool, reach, conversationId),
    moveTurn: (owner, move) => moveTurn(pool, owner, move),
    giveTurns: (turns) => delivering((deliver) => giveTurns(pool, turns, deliver)),
  }
}
