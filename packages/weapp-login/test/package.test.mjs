// The package as it is published: its files, sizes, syntax and types.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { parse } from 'acorn'
import { transformSync } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (name) => readFileSync(join(root, name), 'utf8')
const manifest = JSON.parse(read('package.json'))
const MAX_MINIFIED_BYTES = 6 * 1024
const MAX_PACKED_BYTES = 40 * 1024

test('the package has its files, and no others', () => {
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8' }))
  assert.deepEqual(packed.files.map((file) => file.path).sort(), [
    'LICENSE', 'README.md', 'README.zh-CN.md', 'dist/index.mjs', 'errors.d.ts', 'index.d.ts', 'miniprogram_dist/index.js',
    'package.json',
  ])
  assert.ok(packed.size <= MAX_PACKED_BYTES, `${packed.size} bytes`)
})

test('it has no dependencies and no side effects', () => {
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.peerDependencies, undefined)
  assert.equal(manifest.sideEffects, false)
  const { import: esm, default: commonJs, types } = manifest.exports['.']
  assert.deepEqual([manifest.module, manifest.main, manifest.types].map((name) => `./${name}`), [esm, commonJs, types])
  assert.equal(`${manifest.miniprogram}/index.js`, manifest.main)
})

for (const [file, sourceType, format] of [
  ['dist/index.mjs', 'module', 'esm'],
  ['miniprogram_dist/index.js', 'script', 'cjs'],
]) {
  test(`${file} is small ES2015`, () => {
    parse(read(file), { ecmaVersion: 2015, sourceType })
    const { code } = transformSync(read(file), { minify: true, format })
    const size = Buffer.byteLength(code)
    assert.ok(size <= MAX_MINIFIED_BYTES, `${size} bytes`)
  })
}

test('both files export the same', async () => {
  const require = createRequire(import.meta.url)
  const esm = await import(new URL('../dist/index.mjs', import.meta.url))
  const commonJs = require('../miniprogram_dist/index.js')
  assert.deepEqual(Object.keys(commonJs).sort(), Object.keys(esm).sort())
})

test('the sample mini program has this build', () => {
  const built = readFileSync(join(root, '../../examples/miniprogram/miniprogram_npm/weapp-login/index.js'), 'utf8')
  assert.ok(built === read('miniprogram_dist/index.js'), 'copy miniprogram_dist/index.js to examples/miniprogram/miniprogram_npm/weapp-login')
})

test('the errors are those of the OpenAPI document', () => {
  const before = read('errors.d.ts')
  execFileSync('node', ['scripts/errors.mjs', '../../tests/openapi.json'], { cwd: root })
  assert.ok(before === read('errors.d.ts'), 'errors.d.ts has changed: commit it')
})

test('the samples of the READMEs have correct types', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-login-types-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const snippets = []
  for (const page of ['README.md', 'README.zh-CN.md']) {
    mkdirSync(join(folder, page))
    for (const [, code] of read(page).matchAll(/^```[jt]s\n(.*?)^```/gms)) {
      const name = /^\/\/ (\w+)\.js\n/.exec(code)?.[1] ?? `snippet${snippets.length}`
      snippets.push(join(folder, page, `${name}.ts`))
      writeFileSync(snippets.at(-1), code)
    }
  }
  assert.ok(snippets.length >= 12, `${snippets.length} snippets`)
  writeFileSync(join(folder, 'modules.d.ts'), "declare module 'axios'\ndeclare module '@tarojs/taro'\n")
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      noEmit: true, strict: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'],
      exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: [], paths: { 'weapp-login': [join(root, 'index.d.ts')] },
    },
    include: ['.'],
  }))
  writeFileSync(join(folder, 'errors.ts'), `
import type { LoginError, ServerError } from 'weapp-login'
declare const error: LoginError
if (error.error === 'session_required') {
  const status: 401 = error.statusCode
  const id: string | undefined = error.requestId
}
if (error.error === 'network') {
  const text: string = error.errMsg
  // @ts-expect-error There is no reply, so there is no status.
  error.statusCode
}
// @ts-expect-error The server has no such error.
const name: ServerError['error'] = 'no_such_error'
`)
  try {
    execFileSync('node', [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' })
  } catch (error) {
    assert.fail(error.stdout)
  }
})
