// The packed package in the sample mini program, built as DevTools does, with the real server.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { createWx, network, start, startServer } from './server.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weapp-login-npm-'))
let server

before(async () => {
  server = await startServer()
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root, encoding: 'utf8' }))
  execFileSync('tar', ['-xzf', filename], { cwd: folder })
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (server) await server.stop()
})

test('the mini program logs in with the packed package', async () => {
  // DevTools copies the folder that `miniprogram` names to miniprogram_npm.
  const { miniprogram } = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8'))
  cpSync(join(folder, 'package', miniprogram), join(folder, 'miniprogram_npm/weapp-login'), { recursive: true })

  const { baseUrl } = start({}, join(folder, 'miniprogram_npm')).login()
  const { wx, calls } = createWx({ transport: network(baseUrl, server.origin) })
  const login = start(wx, join(folder, 'miniprogram_npm')).login()
  const reply = await login.request({ url: '/session' })
  assert.equal(reply.message, 'success!')
  assert.ok(reply.data.user.id)
  assert.equal(calls.login, 1)
})

test('Node loads the packed package by its name, as a module and with require', () => {
  cpSync(join(folder, 'package'), join(folder, 'node_modules/weapp-login'), { recursive: true })
  for (const [type, code] of [
    ['module', "import { createLogin } from 'weapp-login'; console.log(createLogin({ baseUrl: 'http://h/' }).baseUrl)"],
    ['commonjs', "console.log(require('weapp-login').createLogin({ baseUrl: 'http://h/' }).baseUrl)"],
  ]) {
    const output = execFileSync('node', [`--input-type=${type}`, '-e', code], { cwd: folder, encoding: 'utf8' })
    assert.equal(output, 'http://h\n')
  }
})
