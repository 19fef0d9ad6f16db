// Generates a client's types from an OpenAPI document with openapi-typescript. That needs a TypeScript with
// an API, which ours does not have, so it gets the one of the tool that writes our API reports.
import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const { resolve } = createRequire(import.meta.url)
const compiler = createRequire(resolve('@microsoft/api-extractor')).resolve('typescript')
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'typescript'
      ? { url: pathToFileURL(compiler).href, shortCircuit: true }
      : next(specifier, context),
})

const { default: generate, astToString } = await import('openapi-typescript')
const [document = ''] = process.argv.slice(2)
process.stdout.write(astToString(await generate(pathToFileURL(document))))
