// The page of the sample mini program, compiled and rendered by miniprogram-simulate, with the real server.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import Module from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { JSDOM } from 'jsdom'

import { createWx, network, ROOT, start, startServer } from './server.mjs'

const require = createRequire(import.meta.url)
const built = fileURLToPath(new URL('../miniprogram_dist/index.js', import.meta.url))
const { baseUrl } = start({}).login()
let server
let simulate

before(async () => {
  server = await startServer()
  const { window } = new JSDOM('<!doctype html><body></body>')
  Object.assign(globalThis, { window, document: window.document })
  for (const name of ['Element', 'Event', 'CustomEvent', 'Node', 'HTMLElement', 'MutationObserver', 'TouchEvent']) {
    globalThis[name] = window[name]
  }
  // The simulator loads the page with Node's `require`, which does not know the built packages of a mini program.
  const resolve = Module._resolveFilename
  Module._resolveFilename = (name, ...rest) => (name === 'weapp-login' ? built : resolve(name, ...rest))
  globalThis.wx = createWx({ transport: network(baseUrl, server.origin) }).wx
  simulate = require('miniprogram-simulate')
  // It renders components. A page is one with other lifecycle functions.
  globalThis.Page = ({ data, onLoad, ...methods }) => globalThis.Component({
    data, methods: { ...methods, onLoad }, attached() { this.onLoad({}) },
  })
})
after(() => server && server.stop())

async function until(condition) {
  for (let waited = 0; waited < 20000; waited += 10) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`not true within 20 s: ${condition}`)
}

test('the rendered page logs in, out and in again', async () => {
  const page = simulate.render(simulate.load(join(ROOT, 'pages/index/index'), 'page', { compiler: 'simulate', rootPath: ROOT }))
  page.attach(document.body)
  const text = () => page.dom.textContent
  await until(() => page.data.state === 'in' && !page.data.busy)
  assert.ok(text().includes(page.data.userId), text())
  const [again, call, out] = page.querySelectorAll('.button')
  assert.ok(again && call && out)

  out.dispatchEvent('tap')
  await until(() => page.data.state === 'out' && !page.data.busy)
  call.dispatchEvent('tap')
  await until(() => page.data.advice !== '' && !page.data.busy)
  assert.match(text(), /401 session_required/)

  again.dispatchEvent('tap')
  await until(() => page.data.state === 'in' && !page.data.busy)
  assert.ok(text().includes(page.data.userId))
})
