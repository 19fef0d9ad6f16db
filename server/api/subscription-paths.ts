// The procedures of the router that are streams. The handler and the sockets write these by themselves.
export const SUBSCRIPTION_PATHS = ['runs.events', 'conversations.events'] as const

export type SubscriptionPath = (typeof SUBSCRIPTION_PATHS)[number]

export function isSubscriptionPath(path: string): path is SubscriptionPath {
  return (SUBSCRIPTION_PATHS as readonly string[]).includes(path)
}
