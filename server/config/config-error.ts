import { StartupError } from '../ports/startup-error.ts'

/** A setting is missing or malformed. The message names the setting and its variable. */
export class ConfigError extends StartupError {
  override readonly name = 'ConfigError'
}
