// Uses the API on /docs in a real browser:
// BASE_URL=http://127.0.0.1:3000 node --test tests/docs/docs.test.js
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { chromium } from 'playwright-core'

const base = process.env.BASE_URL

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

test('a user logs in on /docs, authorizes and reads the session', { timeout: 60_000 }, async (t) => {
  const profile = mkdtempSync(join(tmpdir(), 'weapp-login-docs-'))
  const browser = await chromium.launchPersistentContext(profile, options)
  t.after(async () => {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  })
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
