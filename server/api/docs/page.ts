// The page on which people browse the API. All its files are beside it, so it works below any path and behind
// any proxy.

export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="assets/swagger-ui.css">
    <link rel="stylesheet" href="assets/page.css">
    <script src="assets/swagger-ui-bundle.js" defer></script>
    <script src="assets/page.js" defer></script>
  </head>
  <body>
    <main id="api"><p>Loading…</p></main>
    <noscript>This page needs JavaScript. The API is described at <a href="../openapi.json">openapi.json</a> too.</noscript>
  </body>
</html>
`

/** The colours around Swagger UI, which are dark if the reader prefers that. */
export const STYLE = `body { margin: 0 }
#api > p { margin: 2rem; font-family: sans-serif }
.dark-mode body { background: #1c2022 }
:focus-visible { outline: 2px solid #4990e2; outline-offset: 2px }
`

// Requests go to the page's own address, because the document may name the address of a server behind a
// proxy.
export const SCRIPT = `const wants = matchMedia('(prefers-color-scheme: dark)')
const darken = () => document.documentElement.classList.toggle('dark-mode', wants.matches)
wants.addEventListener('change', darken)
darken()

const api = document.querySelector('#api')
const servers = [{ url: new URL('..', location.href).href.replace(/\\/$/, '') }]
fetch('../openapi.json')
  .then((answer) => answer.ok ? answer.json() : Promise.reject(new Error('It was answered with ' + answer.status + '.')))
  .then((spec) => SwaggerUIBundle({
    spec: { ...spec, servers },
    domNode: api,
    deepLinking: true,
    docExpansion: 'list',
    tryItOutEnabled: true,
    validatorUrl: null,
  }))
  .catch((error) => { api.textContent = 'The description of the API could not be loaded. ' + error.message })
`
