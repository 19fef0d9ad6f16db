export interface SigningKey {
  id: string
  secret: Buffer
}

/** The keys that the runtime signs with. */
export interface KeyStore {
  /** Reads the key for a purpose. If there is none yet, `fresh` becomes the key. All processes get the same key. */
  readSigningKey(purpose: string, fresh: Buffer): Promise<SigningKey>
}
