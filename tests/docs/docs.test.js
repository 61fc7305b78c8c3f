// Uses the API on /docs in a real browser:
// BASE_URL=http://127.0.0.1:3000 node --test tests/docs/docs.test.js
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { chromium } from 'playwright-core'

const base = process.env.BASE_URL
// Ends a test that hangs. A busy machine may need minutes.
const limit = { timeout: 300_000 }

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  viewport: { width: 1280, height: 1400 },
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
}

// Executes an operation with the default values, and returns the response that the page shows.
async function execute(page, id) {
  const operation = page.locator(`[id="operations-${id}"]`)
  await operation.locator('.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Execute' }).click()
  const shown = operation.locator('.live-responses-table')
  await shown.waitFor()
  return {
    status: (await shown.locator('.response-col_status').last().innerText()).trim(),
    body: JSON.parse(await shown.locator('.response-col_description .highlight-code code').first().innerText()),
  }
}

// Starts a browser for a test.
async function start(t, more = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'weapp-login-docs-'))
  const browser = await chromium.launchPersistentContext(profile, { ...options, ...more })
  browser.setDefaultTimeout(120_000)
  t.after(async () => {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  })
  return browser
}

// Opens the page, and waits until it shows the document.
async function open(browser, path) {
  const page = await browser.newPage()
  await page.goto(`${base}${path}`)
  await page.getByRole('heading', { name: 'weapp-login' }).waitFor()
  return page
}

test('a user logs in on /docs, authorizes and reads the session', limit, async (t) => {
  const browser = await start(t)
  const page = await browser.newPage()
  const requests = []
  const errors = []
  browser.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))

  await page.goto(`${base}/docs`)
  await page.getByRole('heading', { name: 'weapp-login' }).waitFor()

  const login = await execute(page, 'login-log_in')
  assert.equal(login.status, '200', JSON.stringify(login.body))
  const { token, user } = login.body.data

  await page.getByRole('button', { name: 'Authorize' }).first().click()
  const dialog = page.locator('.dialog-ux')
  const bearer = dialog.locator('form').filter({ hasText: 'bearer (http, Bearer)' })
  await bearer.getByRole('textbox').fill(token)
  await bearer.getByRole('button', { name: 'Apply credentials' }).click()
  await bearer.locator('.btn-done').click()

  const session = await execute(page, 'session-get_session')
  assert.equal(session.status, '200', JSON.stringify(session.body))
  assert.equal(session.body.data.user.id, user.id)
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true })

  assert.ok(requests.length > 5, requests.join('\n'))
  const elsewhere = requests.filter((url) => !url.startsWith(`${base}/`) && !url.startsWith('data:'))
  assert.deepEqual(elsewhere, [])
  assert.deepEqual(errors, [])
})

test('the login comes first, and no text shows Markdown', limit, async (t) => {
  const page = await open(await start(t), '/docs')
  const groups = await page.locator('.opblock-tag').allInnerTexts()
  assert.equal(groups[0], 'login', groups.join())
  // All at once: each click that Playwright makes waits for the whole page to be drawn again.
  await page.locator('.opblock-summary-control').evaluateAll((summaries) => summaries.forEach((summary) => summary.click()))
  await page.locator('.opblock-body').last().waitFor()
  const text = await page.locator('body').innerText()
  assert.ok(text.includes('Idempotency-Key'), text.slice(0, 500))
  assert.deepEqual(text.split('\n').filter((line) => line.includes('`')), [])
})

test('the language is that of ?lang=, or else the browser’s', limit, async (t) => {
  const chinese = await start(t, { locale: 'zh-CN' })
  const english = await start(t, { locale: 'en-GB' })
  const summary = (page) => page.locator('[id="operations-login-log_in"] .opblock-summary-description').innerText()
  for (const [browser, path, shown, lang] of [
    [chinese, '/docs', '登录。', 'zh-CN'],
    [chinese, '/docs?lang=en', 'Logs a user in.', 'en'],
    [english, '/docs', 'Logs a user in.', 'en'],
    [english, '/docs?lang=zh', '登录。', 'zh-CN'],
  ]) {
    const page = await open(browser, path)
    assert.equal(await summary(page), shown, path)
    assert.equal(await page.locator('html').getAttribute('lang'), lang)
  }
  // A rejected request, as the user of the page reads it.
  const page = await open(english, '/docs?lang=zh')
  const rejected = await execute(page, 'session-get_session')
  assert.equal(rejected.status, '401')
  assert.match(rejected.body.message, /^没有有效的登录态/)
  await page.getByRole('link', { name: 'English' }).click()
  await page.getByRole('heading', { name: 'weapp-login' }).waitFor()
  assert.equal(await summary(page), 'Logs a user in.')
})

test('the page is dark if the system is', limit, async (t) => {
  const browser = await start(t, { colorScheme: 'dark' })
  const page = await open(browser, '/docs')
  const brightness = () => page.evaluate(() => {
    const channels = (style) => style.match(/\d+/g).slice(0, 3).reduce((sum, channel) => sum + Number(channel), 0)
    const summary = document.querySelector('.opblock-summary-description')
    return [channels(getComputedStyle(document.documentElement).backgroundColor), channels(getComputedStyle(summary).color)]
  })
  const [background, text] = await brightness()
  assert.ok(background < 200 && text > 450, `${background} ${text}`)
  if (process.env.SCREENSHOT) await page.screenshot({ path: `${process.env.SCREENSHOT}.dark.png` })
  await page.emulateMedia({ colorScheme: 'light' })
  await page.locator('html:not(.dark-mode)').waitFor()
  const [bright, dark] = await brightness()
  assert.ok((bright === 0 || bright > 600) && dark < 300, `${bright} ${dark}`)
})
