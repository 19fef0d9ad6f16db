/**
 * What a Node HTTP server hands over on `upgrade`, by what tells it from anything else: a browser's code,
 * which sees the type of its runtime, may know no types of Node.
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
