// Agents that are found by configuration: functions of files it names are called at start, to register what they have.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyAgent } from './agent.ts'
import { ConfigError } from '../config/config-error.ts'
import { nearest } from '../config/nearest.ts'
import { readError } from '../ports/read-error.ts'

/** What a function named by the setting `registry` is given. */
export type Register = (...agents: readonly AnyAgent[]) => void

/**
 * A function named by the setting `registry`.
 *
 * @example
 * export const registerAgents: RegisterAgents = (register) => register(chat, research)
 */
export type RegisterAgents = (register: Register) => void | Promise<void>

/** @throws ConfigError saying which of `entries`, each `file#export`, is wrong. */
export async function loadRegistry(entries: readonly string[]): Promise<AnyAgent[]> {
  const agents: AnyAgent[] = []
  for (const entry of entries) {
    const registerAgents = await importFunction(entry)
    const register: Register = (...given) => {
      for (const agent of given) {
        if (!isAgent(agent)) throw new TypeError('what it registers is not what defineAgent(…) returns')
        agents.push(agent)
      }
    }
    await attempt(entry, async () => registerAgents(register))
  }
  return agents
}

async function importFunction(entry: string): Promise<RegisterAgents> {
  const [file = '', name = ''] = entry.split('#')
  const path = resolve(file)
  if (!existsSync(path)) throw new ConfigError(`registry: there is no file ${path} (${entry}).`)
  const module = await attempt(
    file,
    () => import(pathToFileURL(path).href) as Promise<Record<string, unknown>>,
  )
  const found = module[name]
  if (typeof found === 'function') return found as RegisterAgents
  const functions = Object.keys(module).filter((key) => typeof module[key] === 'function')
  const meant = nearest(name, functions)
  throw new ConfigError(
    `registry: ${file} exports no function ${name}${meant === undefined ? '' : `, did you mean ${meant}?`}.`,
  )
}

async function attempt<T>(what: string, doIt: () => Promise<T>): Promise<T> {
  try {
    return await doIt()
  } catch (cause) {
    throw new ConfigError(`registry: ${what} failed: ${readError(cause).message}`, { cause })
  }
}

function isAgent(value: unknown): value is AnyAgent {
  const { key, run } = (value ?? {}) as Partial<AnyAgent>
  return typeof key === 'string' && typeof run === 'function'
}
