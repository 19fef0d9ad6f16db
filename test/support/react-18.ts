// Makes the tests of a project run on React 18, for all imports of React, including those of libraries.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context)
    return {
      ...resolved,
      url: resolved.url.replace(/\/node_modules\/(react|react-dom)\//, '/node_modules/$1-18/'),
    }
  },
})
