export interface SigningKey {
  id: string
  secret: Buffer
}

/** What the runtime signs with. */
export interface KeyStore {
  /** The key for a purpose. Where there is none yet, `fresh` becomes it. All processes get the same key. */
  readSigningKey(purpose: string, fresh: Buffer): Promise<SigningKey>
}
