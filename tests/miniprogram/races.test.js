// What no well-behaved server does on demand: refusals, strange replies, and replies in an awkward order. The network
// is a script here; the client is the sample's own.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createWx } = require('./wx');
const { start } = require('./miniprogram');

const { BASE_URL } = start({}).login();

const success = (data) => ({ status: 200, body: { code: 0, message: 'success!', data } });
const grant = (token) => success({ token, expires_in: 60, user: { id: 'u', is_new: false } });
const refusal = (status, error, headers) =>
  ({ status, headers, body: { code: status, error, message: `${error}, says the script.`, request_id: 'r' } });

// `answer({route, token, nth})` gives a reply, an Error, or a promise of one; `nth` counts the calls of a route from 1.
function phone(answer, options) {
  const seen = {};
  const transport = async ({ method, url, headers }) => {
    const route = `${method} ${url.slice(BASE_URL.length)}`;
    seen[route] = (seen[route] || 0) + 1;
    const token = (headers.authorization || '').replace('Bearer ', '');
    const reply = await answer({ route, token, nth: seen[route] });
    if (reply instanceof Error) throw reply;
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    return { status: reply.status, headers: reply.headers || {}, text };
  };
  let serial = 0;
  const fake = createWx({ transport, codes: () => `code ${(serial += 1)}`, ...options });
  return { ...fake, seen, login: start(fake.wx).login() };
}

// A reply that waits until the test lets it go.
function held() {
  const gate = {};
  gate.reply = new Promise((resolve) => { gate.release = resolve; });
  return gate;
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const stored = ({ storage }) => [...storage.values()];

test('a second 401 rejects', async () => {
  const { login, calls, seen } = phone(({ route, nth }) =>
    route === 'POST /login' ? grant(`T${nth}`) : refusal(401, 'session_required'));
  await login.login();
  await assert.rejects(login.request({ url: '/thing' }), { statusCode: 401, error: 'session_required' });
  assert.deepEqual(seen, { 'POST /login': 2, 'GET /thing': 2 });
  assert.equal(calls.login, 2);
});

test('a stale session key is the caller’s to know: nothing logs in, and nothing is sent again', async () => {
  const { login, calls, seen } = phone(({ route }) =>
    route === 'POST /login' ? grant('T1') : refusal(401, 'session_key_stale'));
  await login.login();
  const taken = { encryptedData: 'e', iv: 'i', errMsg: 'getUserInfo:ok' };
  await assert.rejects(login.decrypt(taken), { statusCode: 401, error: 'session_key_stale' });
  assert.deepEqual(seen, { 'POST /login': 1, 'POST /user/decrypt': 1 });
  assert.equal(calls.requests[1].body, '{"encryptedData":"e","iv":"i"}');
  assert.equal(login.hasToken(), true);
});

test('parallel requests that stay refused cost one login, and all reject', async () => {
  const { login, seen } = phone(({ route, nth }) =>
    route === 'POST /login' ? grant(`T${nth}`) : refusal(401, 'session_required'));
  await login.login();
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => login.request({ url: '/thing' })));
  assert.ok(results.every((result) => result.reason.statusCode === 401));
  assert.deepEqual(seen, { 'POST /login': 2, 'GET /thing': 40 });
});

test('a late 401 of the old token is sent again with the new one, without a further login', async () => {
  const late = held();
  const live = { login: 0 };
  const { login, calls, seen } = phone(({ route, token }) => {
    if (route === 'POST /login') return grant(`T${(live.login += 1)}`);
    if (route === 'GET /slow' && token === 'T1') return late.reply;
    return token === 'T2' ? success(token) : refusal(401, 'session_required');
  });
  await login.login();
  const slow = login.request({ url: '/slow' });
  await login.request({ url: '/fast' });
  assert.equal(calls.login, 2);

  late.release(refusal(401, 'session_required'));
  assert.equal((await slow).data, 'T2');
  assert.equal(calls.login, 2);
  assert.deepEqual(seen, { 'POST /login': 2, 'GET /slow': 2, 'GET /fast': 2 });
});

test('a request that starts while a login is under way waits for it', async () => {
  const slow = held();
  const { login, calls } = phone(({ route, token }) => (route === 'POST /login' ? slow.reply : success(token)));
  const first = login.login();
  const second = login.request({ url: '/thing' });
  await settle();
  slow.release(grant('T1'));
  await first;
  assert.equal((await second).data, 'T1');
  assert.equal(calls.login, 1);
});

test('a log-out is not undone by a login under way, whose session is ended', async () => {
  const slow = held();
  const ended = [];
  const fake = phone(({ route, token }) => {
    if (route === 'POST /login') return slow.reply;
    if (route === 'DELETE /session') ended.push(token);
    return route === 'DELETE /session' ? success(null) : refusal(401, 'session_required');
  });
  const { login } = fake;
  const overtaken = assert.rejects(login.login(), { error: 'logged_out' });
  const waiting = assert.rejects(login.request({ url: '/thing' }), { error: 'logged_out' });
  await settle();
  await login.logout();
  slow.release(grant('T1'));
  await Promise.all([overtaken, waiting]);
  await settle();
  assert.deepEqual(stored(fake), []);
  assert.deepEqual(ended, ['T1']);
  await assert.rejects(login.request({ url: '/thing' }), { error: 'session_required' });
});

test('a login after such a log-out is a new one, whichever reply comes first', async () => {
  for (const overtakenComesFirst of [true, false]) {
    const replies = [held(), held()];
    const fake = phone(({ route, nth }) => (route === 'POST /login' ? replies[nth - 1].reply : success(null)));
    const { login, calls } = fake;
    const overtaken = assert.rejects(login.login(), { error: 'logged_out' });
    await settle();
    await login.logout();
    const second = login.login();
    await settle();
    const release = [() => replies[0].release(grant('T1')), () => replies[1].release(grant('T2'))];
    if (!overtakenComesFirst) release.reverse();
    release[0]();
    await settle();
    release[1]();
    await overtaken;
    assert.equal((await second).token, 'T2');
    assert.deepEqual(stored(fake), ['T2']);
    assert.equal(calls.login, 2);
  }
});

test('a login that a log-out overtook asks for no second code', async () => {
  const slow = held();
  const { login, calls } = phone(() => slow.reply);
  const overtaken = assert.rejects(login.login(), { error: 'login_code_used' });
  await settle();
  await login.logout();
  slow.release(refusal(401, 'login_code_used'));
  await overtaken;
  assert.equal(calls.login, 1);
});

test('logging out of a session that the server refuses already is fine', async () => {
  const { login } = phone(({ route }) =>
    route === 'POST /login' ? grant('T1') : refusal(401, 'session_required'));
  await login.login();
  await login.logout();
  assert.equal(login.hasToken(), false);
});

test('a 401 that arrives after the log-out does not log in again', async () => {
  const slow = held();
  const { login, calls } = phone(({ route }) => {
    if (route === 'POST /login') return grant('T1');
    return route === 'GET /thing' ? slow.reply : success(null);
  });
  await login.login();
  const refused = assert.rejects(login.request({ url: '/thing' }), { statusCode: 401 });
  await settle();
  await login.logout();
  slow.release(refusal(401, 'session_required'));
  await refused;
  assert.equal(calls.login, 1);
});

for (const name of ['login_code_used', 'login_code_invalid']) {
  test(`${name} is answered with one fresh code`, async () => {
    const once = phone(({ nth }) => (nth === 1 ? refusal(401, name) : grant('T1')));
    assert.equal((await once.login.login()).token, 'T1');
    assert.equal(once.calls.login, 2);
    assert.deepEqual(once.calls.requests.map(({ body }) => body), ['{"code":"code 1"}', '{"code":"code 2"}']);

    const always = phone(() => refusal(401, name));
    await assert.rejects(always.login.login(), { error: name, statusCode: 401 });
    assert.equal(always.calls.login, 2);
  });
}

test('busy servers are left alone, and say how long', async () => {
  for (const [status, name] of [[429, 'too_many_requests'], [503, 'platform_busy']]) {
    const { login, seen } = phone(() => refusal(status, name, { 'RETRY-AFTER': '60' }));
    const results = await Promise.allSettled([login.request({ url: '/thing' }), login.request({ url: '/thing' })]);
    for (const { reason } of results) {
      assert.equal(reason.statusCode, status);
      assert.equal(reason.retryAfter, 60);
    }
    assert.deepEqual(seen, { 'POST /login': 1 });
  }
});

test('after a failed login the next request tries again', async () => {
  const { login } = phone(({ route, nth }) => {
    if (route !== 'POST /login') return success('here');
    return nth <= 2 ? new Error('interrupted') : grant('T1');
  });
  await assert.rejects(login.request({ url: '/thing' }), { error: 'network', errMsg: 'request:fail interrupted' });
  assert.equal((await login.request({ url: '/thing' })).data, 'here');
});

test('a login whose reply is lost is sent once more, with the same code and key', async () => {
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

test('every code has a key of its own', async () => {
  const { login, calls } = phone(({ nth }) => (nth === 1 ? refusal(401, 'login_code_used') : grant(`T${nth}`)));
  for (let i = 0; i < 20; i += 1) await login.login();
  const keys = new Set(calls.requests.map(({ headers }) => headers['idempotency-key']));
  assert.equal(keys.size, 21);
});

test('a new login shows the token of the session before, as long as there is one', async () => {
  const { login, calls } = phone(({ route, nth }) => (route === 'POST /login' ? grant(`T${nth}`) : success(null)));
  await login.login();
  await login.login();
  await login.logout();
  await login.login();
  const logins = calls.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(logins.map(({ headers }) => headers.authorization), [undefined, 'Bearer T1', undefined]);
});

test('a page that is no reply of the server rejects, whatever its status', async () => {
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

test('a reply without a body, as 204 has, resolves', async () => {
  const { login } = phone(() => ({ status: 204, body: '' }));
  assert.equal(await login.request({ url: '/thing', auth: false }), '');
});

test('wx.login that gives no code rejects, and nothing is sent', async () => {
  const failing = phone(() => grant('T1'), { codes: () => { throw new Error('offline'); } });
  await assert.rejects(failing.login.login(), { error: 'wx_login_failed', errMsg: 'login:fail offline' });
  const empty = phone(() => grant('T1'), { codes: () => '' });
  await assert.rejects(empty.login.login(), { error: 'wx_login_failed' });
  assert.equal(failing.calls.requests.length + empty.calls.requests.length, 0);
});

test('the token goes nowhere but to BASE_URL, and with the caller’s own headers', async () => {
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
