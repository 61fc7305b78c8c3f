// Logs in to a website in a real browser, on the simulator's page:
// WEAPP_LOGIN_BIN=target/debug/weapp-login node --test tests/docs/oauth.test.js
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

import { chromium } from 'playwright-core'

const binary = resolve(process.env.WEAPP_LOGIN_BIN)
const app = { id: 'wx0123456789abcdef', secret: '0123456789abcdef0123456789abcdef' }

// Ends a test that hangs. A busy machine may need minutes.
const limit = { timeout: 300_000 }

// The login page of the website, as docs/several-apps.md shows it.
const page = (api) => `<!doctype html><title>site</title><button>Log in</button><output></output><script>
const api = ${JSON.stringify(api)}
async function start() {
  const redirect = location.origin + location.pathname
  const reply = await fetch(api + '/login/oauth/url?redirect=' + encodeURIComponent(redirect))
  const { url, nonce } = (await reply.json()).data
  sessionStorage.setItem('nonce', nonce)
  location.assign(url)
}
async function finish(code, state) {
  history.replaceState(null, '', location.pathname)
  const nonce = sessionStorage.getItem('nonce')
  sessionStorage.removeItem('nonce')
  const body = JSON.stringify({ code, state, nonce })
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch(api + '/login/oauth', { method: 'POST', headers, body })
  document.querySelector('output').textContent = JSON.stringify(await reply.json())
}
const query = new URLSearchParams(location.search)
if (query.has('code')) finish(query.get('code'), query.get('state'))
document.querySelector('button').onclick = start
</script>`

// Starts the binary and returns its address.
function start(t, folder, args, env) {
  const child = spawn(binary, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill())
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (text) => {
      output += text
      const address = output.match(/http:\/\/127\.0\.0\.1:\d+/)
      if (address) resolve(address[0])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('exit', () => reject(new Error(output)))
  })
}

// Starts the website, the simulator and the server. Returns the address of the login page.
async function website(t) {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-login-oauth-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let api
  const site = createServer((_, reply) => reply.setHeader('content-type', 'text/html').end(page(api)))
  await new Promise((listening) => site.listen(0, '127.0.0.1', listening))
  t.after(() => site.close())
  const origin = `http://127.0.0.1:${site.address().port}`
  const simulate = ['simulate', '--port', '0', '--app-id', app.id, '--app-secret', app.secret]
  const wechat = await start(t, folder, simulate, {})
  api = await start(t, folder, [], {
    WEAPP_SERVER__PORT: '0',
    WEAPP_SERVER__CORS_ORIGINS: origin,
    WEAPP_WECHAT__BASE_URL: wechat,
    WEAPP_WECHAT__AUTHORIZE_URL: wechat,
    WEAPP_APPS__SITE__KIND: 'website',
    WEAPP_APPS__SITE__REDIRECTS: `${origin}/login`,
    WEAPP_APPS__SITE__APP_ID: app.id,
    WEAPP_APPS__SITE__APP_SECRET: app.secret,
  })
  return `${origin}/login`
}

async function launch(t) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  t.after(() => browser.close())
  return browser
}

// Opens a page in a new profile.
async function open(browser) {
  const context = await browser.newContext()
  context.setDefaultTimeout(120_000)
  return context.newPage()
}

// Opens the login page, and chooses a user on the simulator's page.
async function logIn(tab, url, user) {
  await tab.goto(url)
  await tab.getByRole('button', { name: 'Log in' }).click()
  await tab.getByLabel('Other user').fill(user)
  await tab.getByRole('button', { name: 'OK' }).click()
}

async function shown(tab) {
  await tab.waitForFunction(() => document.querySelector('output')?.textContent)
  return JSON.parse(await tab.locator('output').textContent())
}

test('a user logs in on the page, and is the same user the next time', limit, async (t) => {
  const url = await website(t)
  const browser = await launch(t)
  const users = []
  for (const name of ['mei', 'mei', 'bo']) {
    const tab = await open(browser)
    await logIn(tab, url, name)
    const reply = await shown(tab)
    assert.equal(reply.code, 0, JSON.stringify(reply))
    assert.match(reply.data.token, /^wxs_/)
    assert.equal(tab.url(), url)
    users.push(reply.data.user)
  }
  assert.deepEqual(users.map((user) => user.is_new), [true, false, true])
  assert.equal(users[0].id, users[1].id)
  assert.notEqual(users[0].id, users[2].id)
})

test('a login that began in another browser is rejected', limit, async (t) => {
  const url = await website(t)
  const browser = await launch(t)
  const attacker = await open(browser)
  // The attacker keeps the code and the state of their own login, and does not use them.
  await attacker.route(/\/login\/oauth$/, (route) => route.abort())
  const redirected = attacker.waitForRequest(/\/login\?code=/)
  await logIn(attacker, url, 'attacker')
  const returned = (await redirected).url()
  const victim = await open(browser)
  await victim.goto(returned)
  assert.equal((await shown(victim)).error, 'state_invalid')
  // Nor does it help that the victim has begun a login too.
  await victim.goto(url)
  await victim.getByRole('button', { name: 'Log in' }).click()
  await victim.getByLabel('Other user').waitFor()
  await victim.goto(returned)
  assert.equal((await shown(victim)).error, 'state_invalid')
})
