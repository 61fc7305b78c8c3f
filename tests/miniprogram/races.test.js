// Errors, malformed responses, and responses in an inconvenient order, which a real server does not send on demand. The network is
// scripted; the client is the sample's.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createWx } = require('./wx');
const { start } = require('./miniprogram');

const { baseUrl: BASE_URL } = start({}).login();

const success = (data) => ({ status: 200, body: { code: 0, message: 'success!', data } });
const grant = (token) => success({ token, expires_in: 60, user: { id: 'u', is_new: false } });
const rejection = (status, error, headers) =>
  ({ status, headers, body: { code: status, error, message: `The script says ${error}.`, request_id: 'r' } });

// `respond({route, token, nth})` returns a response, an Error, or a promise of one; `nth` counts the calls of a route from 1.
function phone(respond, options) {
  const seen = {};
  const transport = async ({ method, url, headers }) => {
    const route = `${method} ${url.slice(BASE_URL.length)}`;
    seen[route] = (seen[route] || 0) + 1;
    const token = (headers.authorization || '').replace('Bearer ', '');
    const reply = await respond({ route, token, nth: seen[route] });
    if (reply instanceof Error) throw reply;
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    return { status: reply.status, headers: reply.headers || {}, text };
  };
  let serial = 0;
  const fake = createWx({ transport, codes: () => `code ${(serial += 1)}`, ...options });
  return { ...fake, seen, login: start(fake.wx).login() };
}

// A response that the test releases.
function delayed() {
  const response = {};
  response.reply = new Promise((resolve) => { response.release = resolve; });
  return response;
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const stored = ({ storage }) => [...storage.values()];

test('a second 401 rejects', async () => {
  const { login, calls, seen } = phone(({ route, nth }) =>
    route === 'POST /login' ? grant(`T${nth}`) : rejection(401, 'session_required'));
  await login.login();
  await assert.rejects(login.request({ url: '/thing' }), { statusCode: 401, error: 'session_required' });
  assert.deepEqual(seen, { 'POST /login': 2, 'GET /thing': 2 });
  assert.equal(calls.login, 2);
});

test('a stale session key is reported to the caller, without a login or a retry', async () => {
  const { login, calls, seen } = phone(({ route }) =>
    route === 'POST /login' ? grant('T1') : rejection(409, 'session_key_stale'));
  await login.login();
  const taken = { encryptedData: 'e', iv: 'i', errMsg: 'getUserInfo:ok' };
  await assert.rejects(login.decrypt(taken), { statusCode: 409, error: 'session_key_stale' });
  assert.deepEqual(seen, { 'POST /login': 1, 'POST /user/decrypt': 1 });
  assert.equal(calls.requests[1].body, '{"encryptedData":"e","iv":"i"}');
  assert.equal(login.hasToken(), true);
});

test('parallel requests that are rejected twice share one login, and all reject', async () => {
  const { login, seen } = phone(({ route, nth }) =>
    route === 'POST /login' ? grant(`T${nth}`) : rejection(401, 'session_required'));
  await login.login();
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => login.request({ url: '/thing' })));
  assert.ok(results.every((result) => result.reason.statusCode === 401));
  assert.deepEqual(seen, { 'POST /login': 2, 'GET /thing': 40 });
});

test('a late 401 for the old token is retried with the new token, without another login', async () => {
  const late = delayed();
  const live = { login: 0 };
  const { login, calls, seen } = phone(({ route, token }) => {
    if (route === 'POST /login') return grant(`T${(live.login += 1)}`);
    if (route === 'GET /slow' && token === 'T1') return late.reply;
    return token === 'T2' ? success(token) : rejection(401, 'session_required');
  });
  await login.login();
  const slow = login.request({ url: '/slow' });
  await login.request({ url: '/fast' });
  assert.equal(calls.login, 2);

  late.release(rejection(401, 'session_required'));
  assert.equal((await slow).data, 'T2');
  assert.equal(calls.login, 2);
  assert.deepEqual(seen, { 'POST /login': 2, 'GET /slow': 2, 'GET /fast': 2 });
});

test('a request during a login waits for it', async () => {
  const slow = delayed();
  const { login, calls } = phone(({ route, token }) => (route === 'POST /login' ? slow.reply : success(token)));
  const first = login.login();
  const second = login.request({ url: '/thing' });
  await settle();
  slow.release(grant('T1'));
  await first;
  assert.equal((await second).data, 'T1');
  assert.equal(calls.login, 1);
});

test('a logout during a login wins, and ends the new session', async () => {
  const slow = delayed();
  const ended = [];
  const fake = phone(({ route, token }) => {
    if (route === 'POST /login') return slow.reply;
    if (route === 'DELETE /session') ended.push(token);
    return route === 'DELETE /session' ? success(null) : rejection(401, 'session_required');
  });
  const { login } = fake;
  const cancelled = assert.rejects(login.login(), { error: 'logged_out' });
  const waiting = assert.rejects(login.request({ url: '/thing' }), { error: 'logged_out' });
  await settle();
  await login.logout();
  slow.release(grant('T1'));
  await Promise.all([cancelled, waiting]);
  await settle();
  assert.deepEqual(stored(fake), []);
  assert.deepEqual(ended, ['T1']);
  await assert.rejects(login.request({ url: '/thing' }), { error: 'session_required' });
});

test('a login after such a logout is a new one, in any order of the responses', async () => {
  for (const cancelledFirst of [true, false]) {
    const replies = [delayed(), delayed()];
    const fake = phone(({ route, nth }) => (route === 'POST /login' ? replies[nth - 1].reply : success(null)));
    const { login, calls } = fake;
    const cancelled = assert.rejects(login.login(), { error: 'logged_out' });
    await settle();
    await login.logout();
    const second = login.login();
    await settle();
    const release = [() => replies[0].release(grant('T1')), () => replies[1].release(grant('T2'))];
    if (!cancelledFirst) release.reverse();
    release[0]();
    await settle();
    release[1]();
    await cancelled;
    assert.equal((await second).token, 'T2');
    assert.deepEqual(stored(fake), ['T2']);
    assert.equal(calls.login, 2);
  }
});

test('a login does not request a second code after a logout', async () => {
  const slow = delayed();
  const { login, calls } = phone(() => slow.reply);
  const cancelled = assert.rejects(login.login(), { error: 'login_code_used' });
  await settle();
  await login.logout();
  slow.release(rejection(401, 'login_code_used'));
  await cancelled;
  assert.equal(calls.login, 1);
});

test('logging out succeeds if the session has already ended', async () => {
  const { login } = phone(({ route }) =>
    route === 'POST /login' ? grant('T1') : rejection(401, 'session_required'));
  await login.login();
  await login.logout();
  assert.equal(login.hasToken(), false);
});

test('a 401 after the logout does not log in again', async () => {
  const slow = delayed();
  const { login, calls } = phone(({ route }) => {
    if (route === 'POST /login') return grant('T1');
    return route === 'GET /thing' ? slow.reply : success(null);
  });
  await login.login();
  const rejected = assert.rejects(login.request({ url: '/thing' }), { statusCode: 401 });
  await settle();
  await login.logout();
  slow.release(rejection(401, 'session_required'));
  await rejected;
  assert.equal(calls.login, 1);
});

for (const name of ['login_code_used', 'login_code_invalid']) {
  test(`${name} is retried with one new code`, async () => {
    const once = phone(({ nth }) => (nth === 1 ? rejection(401, name) : grant('T1')));
    assert.equal((await once.login.login()).token, 'T1');
    assert.equal(once.calls.login, 2);
    assert.deepEqual(once.calls.requests.map(({ body }) => body), ['{"code":"code 1"}', '{"code":"code 2"}']);

    const always = phone(() => rejection(401, name));
    await assert.rejects(always.login.login(), { error: name, statusCode: 401 });
    assert.equal(always.calls.login, 2);
  });
}

test('a busy server is not retried, and the error has its Retry-After', async () => {
  for (const [status, name] of [[429, 'too_many_requests'], [503, 'platform_busy']]) {
    const { login, seen } = phone(() => rejection(status, name, { 'RETRY-AFTER': '60' }));
    const results = await Promise.allSettled([login.request({ url: '/thing' }), login.request({ url: '/thing' })]);
    for (const { reason } of results) {
      assert.equal(reason.statusCode, status);
      assert.equal(reason.retryAfter, 60);
    }
    assert.deepEqual(seen, { 'POST /login': 1 });
  }
});

test('the next request after a failed login logs in again', async () => {
  const { login } = phone(({ route, nth }) => {
    if (route !== 'POST /login') return success('here');
    return nth <= 2 ? new Error('interrupted') : grant('T1');
  });
  await assert.rejects(login.request({ url: '/thing' }), { error: 'network', errMsg: 'request:fail interrupted' });
  assert.equal((await login.request({ url: '/thing' })).data, 'here');
});

test('a login whose response was lost is retried once, with the same code and key', async () => {
  const { login, calls } = phone(({ nth }) => (nth === 1 ? new Error('timeout') : grant('T1')));
  assert.equal((await login.login()).token, 'T1');
  assert.equal(calls.login, 1);
  const [first, second] = calls.requests;
  assert.deepEqual(second, first);
  assert.equal(first.body, '{"code":"code 1"}');
  assert.match(first.headers['idempotency-key'], /^[0-9a-z]{32}$/);

  const lost = phone(() => new Error('timeout'));
  await assert.rejects(lost.login.login(), { error: 'network', errMsg: 'request:fail timeout' });
  assert.deepEqual([lost.calls.login, lost.calls.requests.length], [1, 2]);
});

test('every code has its own idempotency key', async () => {
  const { login, calls } = phone(({ nth }) => (nth === 1 ? rejection(401, 'login_code_used') : grant(`T${nth}`)));
  for (let i = 0; i < 20; i += 1) await login.login();
  const keys = new Set(calls.requests.map(({ headers }) => headers['idempotency-key']));
  assert.equal(keys.size, 21);
});

test('a login sends the previous token, if there is one', async () => {
  const { login, calls } = phone(({ route, nth }) => (route === 'POST /login' ? grant(`T${nth}`) : success(null)));
  await login.login();
  await login.login();
  await login.logout();
  await login.login();
  const logins = calls.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(logins.map(({ headers }) => headers.authorization), [undefined, 'Bearer T1', undefined]);
});

test('a response that is not from the server rejects, with any status', async () => {
  for (const status of [200, 401, 502]) {
    const { login } = phone(() => ({ status, body: '<html>Bad Gateway</html>' }));
    await assert.rejects(login.request({ url: '/thing', auth: false }), (error) => {
      assert.equal(error.error, 'unexpected_reply');
      assert.equal(error.statusCode, status);
      assert.equal(error.data, '<html>Bad Gateway</html>');
      return true;
    });
  }
  const { login, storage } = phone(() => ({ status: 200, body: { hello: 'from another server' } }));
  await assert.rejects(login.login(), { error: 'unexpected_reply' });
  assert.equal(storage.size, 0);
});

test('a 204 without a body resolves', async () => {
  const { login } = phone(() => ({ status: 204, body: '' }));
  assert.equal(await login.request({ url: '/thing', auth: false }), '');
});

test('a wx.login without a code rejects, and sends no request', async () => {
  const failing = phone(() => grant('T1'), { codes: () => { throw new Error('offline'); } });
  await assert.rejects(failing.login.login(), { error: 'platform_login_failed', errMsg: 'login:fail offline' });
  const empty = phone(() => grant('T1'), { codes: () => '' });
  await assert.rejects(empty.login.login(), { error: 'platform_login_failed' });
  assert.equal(failing.calls.requests.length + empty.calls.requests.length, 0);
});

test('the token is sent to BASE_URL only, together with the caller’s headers', async () => {
  const { login, calls } = phone(({ route }) => (route === 'POST /login' ? grant('T1') : success(null)));
  await login.login();
  for (const url of ['https://elsewhere.example/', '@elsewhere.example/', '']) {
    await assert.rejects(login.request({ url }), { error: 'path_expected' });
  }
  await login.request({ url: '/thing', method: 'PUT', data: { a: 1 }, header: { 'Idempotency-Key': 'k' } });
  await login.request({ url: '/thing', data: { q: '你好' } });
  const [, put, get] = calls.requests;
  assert.equal(put.body, '{"a":1}');
  assert.equal(put.headers['idempotency-key'], 'k');
  assert.equal(put.headers.authorization, 'Bearer T1');
  assert.equal(get.url, `${BASE_URL}/thing?q=%E4%BD%A0%E5%A5%BD`);
  const patch = login.request({ url: '/thing', method: 'PATCH' });
  await assert.rejects(patch, { errMsg: /^request:fail method is invalid/ });
});
