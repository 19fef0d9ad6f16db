// Generates a client's types from an OpenAPI document, by openapi-typescript. It needs a TypeScript that has an API, which ours
// does not: it gets that of the tool that writes the reports of our API.
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
