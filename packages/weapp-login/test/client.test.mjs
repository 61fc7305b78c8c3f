// Modes and platforms, with a scripted server. The sample's tests have the races of logins.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createLogin, isLoginError } from '../dist/index.mjs'

const reply = (statusCode, body, header = {}) => ({ statusCode, header, data: body })
const success = (data) => reply(200, { code: 0, message: 'success!', data })
const grant = (token) => success({ token, expires_in: 60, user: { id: 'u', is_new: false } })
const rejection = (status, error, header) => reply(status, { code: status, error, message: `The script says ${error}.` }, header)

function storageOf(stored) {
  return { get: (key) => stored.get(key), set: (key, value) => stored.set(key, value), remove: (key) => stored.delete(key) }
}

// `respond({route, token, body})` returns a reply, or throws. `seen` has the requests.
function client(respond, options) {
  const seen = []
  const stored = new Map()
  let codes = 0
  const request = async (call) => {
    const { method, url, header, data } = call
    const entry = { route: `${method} ${url.replace('http://server', '')}`, token: header.Authorization?.replace('Bearer ', ''), data, header }
    seen.push(entry)
    return respond(entry, seen.length)
  }
  const login = createLogin({
    baseUrl: 'http://server/', request, login: () => `code ${(codes += 1)}`, storage: storageOf(stored), ...options,
  })
  return { login, seen, stored, routes: () => seen.map(({ route }) => route) }
}

const server = ({ route, token }) => {
  if (route === 'POST /login') return grant('T')
  return token === 'T' ? success('here') : rejection(401, 'session_required')
}

test('a guest sends requests without a login until the user logs in', async () => {
  const { login, routes, seen } = client(({ route, token }) => (route === 'POST /login' ? grant('T') : success(token)), { guest: true })
  assert.equal((await login.request({ url: '/shop' })).data, undefined)
  assert.deepEqual(routes(), ['GET /shop'])
  await login.login()
  assert.equal((await login.request({ url: '/shop' })).data, 'T')
  assert.deepEqual(routes(), ['GET /shop', 'POST /login', 'GET /shop'])
  assert.equal(seen[0].header.Authorization, undefined)
})

test('a request of a guest can ask for a login, and waits for one in progress', async () => {
  const one = client(server, { guest: true })
  assert.equal((await one.login.request({ url: '/cart', auth: true })).data, 'here')
  assert.deepEqual(one.routes(), ['POST /login', 'GET /cart'])

  const two = client(server, { guest: true })
  const logging = two.login.login()
  assert.equal((await two.login.request({ url: '/cart' })).data, 'here')
  await logging
})

test('a rejected request of a guest is not repeated', async () => {
  const { login, routes } = client(server, { guest: true })
  await assert.rejects(login.request({ url: '/cart' }), { error: 'session_required', statusCode: 401 })
  assert.deepEqual(routes(), ['GET /cart'])
})

test('an expired session of a former guest is replaced', async () => {
  const { login, stored, routes } = client(server, { guest: true })
  stored.set('weapp_login_token', 'expired')
  assert.equal((await login.request({ url: '/cart' })).data, 'here')
  assert.deepEqual(routes(), ['GET /cart', 'POST /login', 'GET /cart'])
})

test('loginAtStart logs in once, although there is a token, and requests wait for it', async () => {
  const storage = storageOf(new Map([['k', 'old']]))
  const { login, routes, seen } = client(server, { loginAtStart: true, storage, storageKey: 'k' })
  const replies = await Promise.all([login.request({ url: '/a' }), login.request({ url: '/b' })])
  assert.deepEqual(replies.map(({ data }) => data), ['here', 'here'])
  assert.deepEqual(routes(), ['POST /login', 'GET /a', 'GET /b'])
  assert.equal(seen[0].token, 'old', 'the new session replaces the old one')
})

test('if the login at the start fails, requests use the old token', async () => {
  const storage = storageOf(new Map([['k', 'T']]))
  const failing = (call) => (call.route === 'POST /login' ? rejection(503, 'platform_busy') : server(call))
  const { login } = client(failing, { loginAtStart: true, storage, storageKey: 'k' })
  assert.equal((await login.request({ url: '/a' })).data, 'here')
})

test('after Retry-After a login waits, without a request', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  let busy = true
  const { login, routes } = client((call) => (busy ? rejection(429, 'too_many_requests', { 'Retry-After': '60' }) : server(call)))
  await assert.rejects(login.login(), { error: 'too_many_requests', retryAfter: 60 })
  t.mock.timers.setTime(1_020_500)
  busy = false
  for (const attempt of [() => login.login(), () => login.request({ url: '/a' })]) {
    await assert.rejects(attempt, { error: 'too_many_requests', statusCode: 429, retryAfter: 40, message: 'The script says too_many_requests.' })
  }
  assert.deepEqual(routes(), ['POST /login'])
  t.mock.timers.setTime(1_060_000)
  assert.equal((await login.request({ url: '/a' })).data, 'here')
})

test('a clock that was set back does not block logins', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 100_000_000 })
  let busy = true
  const { login } = client((call) => (busy ? rejection(503, 'platform_busy', { 'retry-after': '5' }) : server(call)))
  await assert.rejects(login.login(), { retryAfter: 5 })
  busy = false
  t.mock.timers.setTime(1_000)
  assert.equal((await login.login()).token, 'T')
})

test('listeners get the user after a login, and null when it has ended', async () => {
  let live = true
  const { login } = client((call) => {
    if (!live) return call.route === 'POST /login' ? rejection(403, 'user_blocked') : rejection(401, 'session_required')
    return server(call)
  })
  const heard = []
  const stop = login.onChange((user) => heard.push(user && user.id))
  await login.login()
  await login.logout()
  await login.logout()
  await login.login()
  live = false
  await assert.rejects(login.request({ url: '/a' }), { error: 'user_blocked' })
  assert.deepEqual(heard, ['u', null, 'u', null])
  stop()
  live = true
  await login.login()
  assert.equal(heard.length, 4)
})

test('a listener hears the logout of a session of an earlier start', async () => {
  const { login } = client(server, { storage: storageOf(new Map([['weapp_login_token', 'T']])) })
  const heard = []
  login.onChange((user) => heard.push(user))
  await login.logout()
  assert.deepEqual(heard, [null])
})

test('the token stays in memory if the storage does not work', async () => {
  const full = () => { throw new Error('the storage is full') }
  for (const storage of [{ get: () => '', set: full, remove: full }, { get: full, set: full, remove: full }]) {
    const { login, routes } = client(server, { storage })
    await login.request({ url: '/a' })
    await login.request({ url: '/b' })
    assert.deepEqual(routes(), ['POST /login', 'GET /a', 'GET /b'])
    await login.logout()
    assert.equal(login.hasToken(), false)
  }
})

test('a login sends the app', async () => {
  const { login, seen } = client(server, { app: 'shop' })
  await login.login()
  assert.deepEqual(seen[0].data, { code: 'code 1', app: 'shop' })
  assert.equal(seen[0].header['Content-Type'], 'application/json')
})

test('isLoginError knows the errors of the package', async () => {
  const { login } = client(() => rejection(404, 'not_found'))
  await assert.rejects(login.request({ url: '/a', auth: false }), (error) => isLoginError(error))
  assert.equal(isLoginError(new Error('x')), false)
  assert.equal(isLoginError(undefined), false)
})

// A platform as its documentation describes it: the names of functions, fields and headers.
function platformOf(name) {
  const isAlipay = name === 'my'
  const stored = new Map()
  const sent = []
  const bodies = { '/login': [200, grant('T').data], '/gone': [404, { error: 'not_found' }] }
  const platform = {
    request(options) {
      sent.push(options)
      const [status, data] = bodies[options.url.replace('http://server', '')] ?? [200, success('here').data]
      const result = isAlipay ? { status, data, headers: { 'retry-after': '3' } } : { statusCode: status, data, header: { 'Retry-After': '3' } }
      // Alipay calls an error status a failure.
      setImmediate(() => (isAlipay && status >= 400 ? options.fail({ error: 19, ...result }) : options.success(result)))
      return name === 'Taro' ? Promise.reject(new Error('Taro returns a promise as well')) : { abort() {} }
    },
    getStorageSync: (key) => (isAlipay ? { data: stored.get(key.key) ?? null } : stored.get(key) ?? ''),
    setStorageSync: (key, data) => (isAlipay ? stored.set(key.key, key.data) : stored.set(key, data)),
    removeStorageSync: (key) => stored.delete(isAlipay ? key.key : key),
  }
  if (isAlipay) platform.getAuthCode = ({ scopes, success }) => setImmediate(() => success({ authCode: `code for ${scopes}` }))
  else platform.login = ({ success, force }) => setImmediate(() => success({ code: `code${force ? ' by force' : ''}`, errMsg: 'login:ok' }))
  return { platform, stored, sent }
}

for (const name of ['wx', 'uni', 'Taro', 'my', 'tt', 'qq', 'swan', 'ks', 'xhs']) {
  test(`${name} is found among the globals, and works`, async (t) => {
    const { platform, stored, sent } = platformOf(name)
    // The `wx` of a web page in WeChat cannot send requests.
    globalThis.wx = { chooseImage() {} }
    globalThis[name] = platform
    t.after(() => { delete globalThis[name]; delete globalThis.wx })
    const login = createLogin({ baseUrl: 'http://server' })
    assert.equal((await login.request({ url: '/thing' })).data, 'here')
    assert.deepEqual(sent[0].data, { code: name === 'my' ? 'code for auth_base' : 'code' })
    assert.equal(stored.get('weapp_login_token'), 'T')
    const headers = name === 'my' ? sent[1].headers : sent[1].header
    assert.equal(headers.Authorization, 'Bearer T')
    await assert.rejects(login.request({ url: '/gone' }), { error: 'not_found', statusCode: 404, retryAfter: 3 })
    await login.login()
    assert.equal(sent[3].data.code, name === 'my' ? 'code for auth_base' : 'code by force')
    await login.logout()
    assert.equal(stored.size, 0)
  })
}

test('without a platform a request rejects with the reason', async (t) => {
  const { fetch } = globalThis
  delete globalThis.fetch
  t.after(() => { globalThis.fetch = fetch })
  const login = createLogin({ baseUrl: 'http://server' })
  await assert.rejects(login.request({ url: '/a', auth: false }), { error: 'network', message: /pass `platform`/ })
  await assert.rejects(login.login(), { error: 'platform_login_failed', message: /pass `platform`/ })
})
