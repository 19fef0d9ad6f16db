import { Hono } from 'hono'
import type { TransferSettings } from '../files/transfer.ts'
import { createKeepAlive } from '../keep-alive.ts'
import type { ApiServices } from '../services.ts'
import type { WatchReader } from '../watch-reader.ts'
import { createAnswerList } from './answer-list.ts'
import { addRoutes } from './route.ts'
import type { RestEnv, Route } from './route.ts'
import { agentRoutes } from './routes/agents.ts'
import { conversationEventRoutes } from './routes/conversation-events.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { fileRoutes } from './routes/files.ts'
import { memoryRoutes } from './routes/memories.ts'
import { modelRoutes } from './routes/models.ts'
import { runEventRoutes } from './routes/run-events.ts'
import { runRoutes } from './routes/runs.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { webhookRoutes } from './routes/webhooks.ts'

/**
 * All routes that need authentication. They call the same use cases as the router, for every language that
 * has HTTP.
 */
export function createRestRoutes(
  services: ApiServices,
  { watchReader, forms: settings }: { watchReader: WatchReader; forms: TransferSettings },
): Route[] {
  const answerList = createAnswerList(services.restLists)
  const keepAlive = createKeepAlive(services.streamKeepAliveMs)
  return [
    ...runRoutes(services, { answerList, settings }),
    ...runEventRoutes({ runs: services.runs, keepAlive, watchReader }),
    ...agentRoutes(services.agents),
    ...modelRoutes(services.listModels),
    ...conversationRoutes(services.conversations, answerList),
    ...conversationEventRoutes({ conversations: services.conversations, keepAlive, watchReader }),
    ...fileRoutes(services.files, { answerList, settings }),
    ...scheduleRoutes(services, answerList),
    ...memoryRoutes(services, answerList),
    ...webhookRoutes(services, answerList),
    ...sessionRoutes(services.sessions),
  ]
}

export function createRestApp(routes: readonly Route[]): Hono<RestEnv> {
  const app = new Hono<RestEnv>({ strict: false })
  addRoutes(app, routes)
  return app
}
