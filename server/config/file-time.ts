import { ConfigError } from './config-error.ts'
import type { Config } from './config.ts'

/** @throws ConfigError when the largest file could not be uploaded in the time that an upload has. */
export function checkFileTime({ maxFileBytes, fileBytesPerSecond }: Config, maxUploadMs: number): void {
  const seconds = maxUploadMs / 1000
  if (fileBytesPerSecond === false || maxFileBytes <= fileBytesPerSecond * seconds) return
  throw new ConfigError(
    `fileBytesPerSecond (FILE_BYTES_PER_SECOND): a file of maxFileBytes (${maxFileBytes}) has ${seconds} s, and needs at least ${Math.ceil(maxFileBytes / seconds)} bytes a second.`,
  )
}
