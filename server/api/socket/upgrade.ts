/**
 * The arguments that a Node HTTP server passes on `upgrade`. The types describe only a few members, because
 * code for a browser sees the runtime's type and may not have Node's types.
 */
export type HandleUpgrade = (request: UpgradeRequest, socket: UpgradeSocket, head: Uint8Array) => boolean

interface UpgradeRequest {
  readonly url?: string | undefined
  readonly rawHeaders: readonly string[]
  readonly httpVersion: string
}

interface UpgradeSocket {
  readonly writableNeedDrain: boolean
  destroy(): unknown
}
