import type { KeyStore } from '../../ports/store/key-store.ts'
import { readSigningKey } from '../statements/signing-key.ts'
import type { StoreParts } from './store-parts.ts'

export function createKeyStore({ pool }: Pick<StoreParts, 'pool'>): KeyStore {
  return { readSigningKey: (purpose, fresh) => readSigningKey(pool, purpose, fresh) }
}
