export interface SigningKey {
  id: string
  secret: Buffer
}

/** What the runtime signs with. */
export interface KeyStore {
  /** The key there is for that; where there is none, `fresh` becomes it, in one process for all. */
  readSigningKey(purpose: string, fresh: Buffer): Promise<SigningKey>
}
