// What the entries of package.json `exports` promise, as api-extractor reads it from their declarations: `etc/*.api.md`.
// `npm run api` writes these reports; `npm run check:api` fails where they are not what is committed.
import { execFileSync, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REPORTS = join(ROOT, 'etc')
/** The other entries name their types. */
const BASES = ['client', 'server']
const SILENT = { logLevel: 'none', addToApiReportFile: false }

const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values

// A copy of its own: nothing has to be built before, and what is in dist/ stays what it was.
const folder = await mkdtemp(join(tmpdir(), 'api-reports-'))
try {
  await writeReports(folder)
  const fresh = join(folder, 'etc')
  await leaveOutRepetitions(fresh)
  if (check) process.exitCode = compare(fresh)
  else {
    await rm(REPORTS, { recursive: true, force: true })
    await cp(fresh, REPORTS, { recursive: true })
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function writeReports(projectFolder: string): Promise<void> {
  const outDir = join(projectFolder, 'dist')
  const flags = ['--project', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', outDir]
  execFileSync('tsc', flags, { cwd: ROOT, stdio: 'inherit' })
  await mkdir(join(projectFolder, 'etc'))
  await cp(join(ROOT, 'package.json'), join(projectFolder, 'package.json'))
  await symlink(join(ROOT, 'node_modules'), join(projectFolder, 'node_modules'))
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>
  }
  for (const [entry, target] of Object.entries(exports)) {
    // `./package.json` has no types.
    if (typeof target !== 'string') await writeReport(projectFolder, entry.slice('./'.length), target.types)
  }
}

async function writeReport(projectFolder: string, name: string, types: string): Promise<void> {
  const file = join(projectFolder, `${name}.json`)
  const config = {
    projectFolder,
    newlineKind: 'lf',
    mainEntryPointFilePath: join(projectFolder, types),
    compiler: { tsconfigFilePath: join(ROOT, 'tsconfig.json') },
    apiReport: {
      enabled: true,
      reportFileName: name,
      reportFolder: join(projectFolder, 'etc'),
      reportTempFolder: join(projectFolder, 'temp'),
      // A signature changes with each type that it names, whether or not that is exported.
      includeForgottenExports: true,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      extractorMessageReporting: { default: SILENT, 'ae-forgotten-export': SILENT },
      tsdocMessageReporting: { default: SILENT },
    },
  }
  await writeFile(file, JSON.stringify(config))
  // It warns of each report that is new, which all are.
  const { status, stdout, stderr } = spawnSync('api-extractor', ['run', '--local', '--config', file], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`api-extractor could not read the entry "${name}":\n${stdout}${stderr}`)
}

/** Leaves out types that an entry does not export and a base's report has: each change of one would stand in five reports. */
async function leaveOutRepetitions(reports: string): Promise<void> {
  const read = (name: string): Promise<string> => readFile(join(reports, `${name}.api.md`), 'utf8')
  const bases = await Promise.all(BASES.map(read))
  const declarations = bases.flatMap(partsOf).filter((text) => text.startsWith('// @'))
  const known = new Set(declarations.map((text) => text.replace(/^export /m, '')))
  for (const file of await readdir(reports)) {
    const name = file.replace('.api.md', '')
    if (BASES.includes(name)) continue
    const own = partsOf(await read(name)).filter((text) => !known.has(text))
    await writeFile(join(reports, file), own.join('\n\n'))
  }
}

/** Declarations, which begin with their release tag, and what stands around them. */
function partsOf(report: string): string[] {
  return report.split('\n\n')
}

/** Prints how they differ. @returns the exit code. */
function compare(fresh: string): number {
  const { status } = spawnSync('git', ['--no-pager', 'diff', '--no-index', REPORTS, fresh], {
    stdio: 'inherit',
  })
  if (status === 0) return 0
  process.stderr.write(
    '\nThe public API differs from its reports in etc/. If that is meant, run `npm run api` and commit them with the change.\n',
  )
  return 1
}
