// Writes errors.d.ts, the union of the server's errors, from its OpenAPI document: errors.mjs ../../tests/openapi.json
import { readFileSync, writeFileSync } from 'node:fs'

const document = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const errors = new Map()
for (const [name, { value }] of Object.entries(document.components.examples)) {
  if (value.error === name) errors.set(name, { ...value })
}
// Any path can have it, so no path of the document does.
errors.set('method_not_allowed', { status: 405 })
const responses = Object.values(document.paths).flatMap(Object.values).flatMap(({ responses }) => Object.entries(responses))
for (const [status, { content }] of responses) {
  for (const name of Object.keys(content?.['application/json']?.examples ?? {})) {
    if (errors.has(name)) errors.get(name).status = Number(status)
  }
}

const rows = [...errors].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { status }]) => `  ${name}: ${status}`)
writeFileSync(new URL('../errors.d.ts', import.meta.url), `// Generated from the OpenAPI document of the server by scripts/errors.mjs.

/** The errors of the server: their names and HTTP statuses. */
export interface ServerErrors {
${rows.join('\n')}
}
`)
