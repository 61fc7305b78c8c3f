// Web pages in Chromium, with the real server on another origin: a page without a framework, and the H5 build of the uni-app sample.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { chromium } from 'playwright-core'

import { startServer } from './server.mjs'

const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const UNI_APP = path('../../../examples/uni-app/dist/build/h5')
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css' }
// Without CORS in the server, a page of another origin cannot call it.
const skip = !readFileSync(path('../../../config/default.toml'), 'utf8').includes('cors_origins')
const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
}

const profile = mkdtempSync(join(tmpdir(), 'weapp-login-h5-'))
let pages
let browser
let server
let origin

// Serves the pages: `/` is empty, `/dist/` is the package, and `/h5/` the build of the sample.
function serve(request, response) {
  const url = normalize(new URL(request.url, 'http://h').pathname)
  const file = url.startsWith('/dist/') ? path(`..${url}`) : join(UNI_APP, url.replace(/^\/h5\/?/, '') || 'index.html')
  if (url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html>')
  if (!existsSync(file)) return response.writeHead(404).end()
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
  // The sample has the address of a server in development.
  const text = readFileSync(file, 'utf8').replaceAll('http://localhost:3000', server.origin)
  response.end(url.startsWith('/h5') ? text.replaceAll('"/assets/', '"/h5/assets/') : text)
}

before(async () => {
  if (skip) return
  pages = createServer(serve).listen(0, '127.0.0.1')
  await new Promise((resolve) => pages.once('listening', resolve))
  origin = `http://127.0.0.1:${pages.address().port}`
  server = await startServer({ WEAPP_SERVER__CORS_ORIGINS: origin })
  browser = await chromium.launchPersistentContext(profile, options)
  browser.setDefaultTimeout(120_000)
})
after(async () => {
  if (browser) await browser.close()
  if (pages) pages.close()
  rmSync(profile, { recursive: true, force: true })
  if (server) await server.stop()
})

test('a page of another origin logs in, reads errors and logs out', { timeout: 300_000, skip }, async () => {
  const page = await browser.newPage()
  await page.goto(origin)
  const seen = await page.evaluate(async (baseUrl) => {
    const { createLogin, isLoginError } = await import('/dist/index.mjs')
    const login = createLogin({ baseUrl, login: () => 'the code is a mock one' })
    const users = []
    login.onChange((user) => users.push(user && user.id))
    const failure = (error) => isLoginError(error) && [error.error, error.statusCode, typeof error.requestId]
    const session = await login.request({ url: '/session' })
    const stored = localStorage.getItem('weapp_login_token')
    const missing = await login.request({ url: '/nowhere', data: { page: '2 & 3' } }).catch(failure)
    const put = await login.request({ url: '/user', method: 'PUT', data: { nickname: '美' } })
    await login.logout()
    const ended = await login.request({ url: '/session' }).catch(failure)
    const network = await createLogin({ baseUrl: 'http://127.0.0.1:9' }).request({ url: '/', auth: false }).catch(failure)
    return { id: session.data.user.id, nickname: put.data.user.nickname, stored, missing, ended, network, users, left: localStorage.length }
  }, server.origin)
  assert.ok(seen.id)
  assert.match(seen.stored, /^wxs_/)
  assert.equal(seen.nickname, '美')
  assert.deepEqual(seen.missing, ['not_found', 404, 'string'])
  assert.deepEqual(seen.ended, ['session_required', 401, 'string'])
  assert.deepEqual(seen.network, ['network', null, 'undefined'].map((value) => value ?? undefined))
  assert.deepEqual(seen.users, [seen.id, null])
  assert.equal(seen.left, 0)
  await page.close()
})

test('the H5 build of the uni-app sample logs in and out', { timeout: 300_000, skip: skip || !existsSync(UNI_APP) }, async () => {
  const page = await browser.newPage()
  await page.goto(`${origin}/h5/`)
  await page.waitForFunction(() => /^[0-9a-f]{32}$/.test(document.querySelector('.user')?.textContent), null, { timeout: 120_000 })
  await page.locator('.out').click()
  await page.getByText('未登录').waitFor()
  await page.locator('.call').click()
  await page.getByText('session_required').waitFor()
  await page.locator('.in').click()
  await page.waitForFunction(() => /^[0-9a-f]{32}$/.test(document.querySelector('.user')?.textContent), null, { timeout: 120_000 })
  await page.close()
})
