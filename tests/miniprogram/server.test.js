// The client of the sample mini program with the real server. Needs Node 20 or later and no npm packages:
//
//   cargo build --release
//   WEAPP_LOGIN_BIN=target/release/weapp-login node --test tests/miniprogram/*.test.js

'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { createWx, network, issuedCode, MOCK_CODE } = require('./wx');
const { start } = require('./miniprogram');
const { startServer } = require('./server');

// Read from the sample, so that the address is defined once.
const { baseUrl: BASE_URL } = start({}).login();

let server;
before(async () => {
  server = await startServer();
});
after(() => server && server.stop());

function phone(options) {
  const fake = createWx({ transport: network(BASE_URL, server.origin), ...options });
  return { ...fake, login: start(fake.wx).login(), restart: () => start(fake.wx).login() };
}

const sent = (calls, method, path) =>
  calls.requests.filter((request) => request.method === method && request.url === BASE_URL + path).length;

// Ends the session without the client, so that the token in storage is stale.
async function endElsewhere({ storage }) {
  const [token] = [...storage.values()];
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await fetch(`${server.origin}/session`, { method: 'DELETE', headers })).status, 200);
  return token;
}

test('the first request logs in and shows the session', async () => {
  const { login, calls } = phone();
  const reply = await login.request({ url: '/session' });
  assert.equal(reply.code, 0);
  assert.equal(reply.message, 'success!');
  assert.ok(reply.data.user.id);
  const { created_at: since, expires_at: until } = reply.data.session;
  assert.ok(Date.parse(since) < Date.parse(until), `${since} … ${until}`);
  assert.equal(calls.login, 1);
  assert.equal(calls.requests.length, 2);
});

test('the token of a login stays in storage after a restart', async () => {
  const { login, calls, storage, restart } = phone();
  const grant = await login.login();
  assert.ok(grant.token && grant.expires_in > 0);
  assert.equal(typeof grant.user.is_new, 'boolean');
  assert.deepEqual([...storage.values()], [grant.token]);

  const again = restart();
  assert.equal(again.hasToken(), true);
  assert.equal((await again.request({ url: '/session' })).data.user.id, grant.user.id);
  assert.equal(calls.login, 1);
});

test('twenty requests with a stale token share one login and are each retried once', async () => {
  const { login, calls, storage } = phone();
  await login.login();
  const stale = await endElsewhere({ storage });
  calls.login = 0;
  calls.requests.length = 0;

  const replies = await Promise.all(Array.from({ length: 20 }, () => login.request({ url: '/session' })));
  assert.deepEqual(replies.map((reply) => reply.code), Array(20).fill(0));
  assert.equal(calls.login, 1);
  assert.equal(sent(calls, 'POST', '/login'), 1);
  assert.equal(sent(calls, 'GET', '/session'), 40);
  const withStale = calls.requests.filter(({ headers }) => headers.authorization === `Bearer ${stale}`);
  assert.equal(withStale.length, 20);
});

test('twenty requests without a token share one login and need no retry', async () => {
  const { login, calls } = phone();
  await Promise.all(Array.from({ length: 20 }, () => login.request({ url: '/session' })));
  assert.equal(calls.login, 1);
  assert.equal(calls.requests.length, 21);
});

test('a used code is replaced by a new one, once', async () => {
  const used = issuedCode();
  await phone({ codes: () => used }).login.login();

  const codes = [used, issuedCode()];
  const second = phone({ codes: () => codes.shift() });
  assert.ok((await second.login.login()).token);
  assert.equal(second.calls.login, 2);

  const third = phone({ codes: () => used });
  await assert.rejects(third.login.login(), { error: 'login_code_used', statusCode: 401, code: 40163 });
  assert.equal(third.calls.login, 2);
  assert.equal(sent(third.calls, 'POST', '/login'), 2);
});

test('a login whose response was lost creates one session, and the phone has its token', async () => {
  const real = network(BASE_URL, server.origin);
  let lost = 0;
  const transport = async (request) => {
    const reply = await real(request);
    if (request.method !== 'POST' || lost > 0) return reply;
    lost += 1;
    throw new Error('interrupted');
  };
  const { login, calls } = phone({ transport });
  const grant = await login.login();
  assert.equal(lost, 1);
  assert.equal(grant.user.is_new, true, 'the repeated response is the first one');
  const { data } = await login.request({ url: '/sessions' });
  assert.deepEqual(data.sessions.map(({ current }) => current), [true]);
  assert.equal(calls.login, 1);
  assert.equal(sent(calls, 'POST', '/login'), 2);
});

test('the mock code of DevTools always logs the same user in', async () => {
  const { login, storage } = phone({ codes: () => MOCK_CODE });
  const first = await login.login();
  const second = await login.login();
  assert.equal(second.user.id, first.user.id);
  assert.notEqual(second.token, first.token);
  assert.deepEqual([...storage.values()], [second.token]);
});

test('after a logout a guarded request is rejected until the next login', async () => {
  const { login, calls, storage, restart } = phone();
  const { token } = await login.login();
  await login.logout();
  assert.equal(storage.size, 0);
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await fetch(`${server.origin}/session`, { headers })).status, 401);

  await assert.rejects(login.request({ url: '/session' }), (error) => {
    assert.ok(error instanceof Error);
    assert.equal(error.statusCode, 401);
    assert.equal(error.error, 'session_required');
    assert.ok(error.message);
    assert.ok(error.requestId);
    return true;
  });
  assert.equal(calls.login, 1);

  await login.login();
  await login.request({ url: '/session' });
  assert.equal(calls.login, 2);

  await login.logout();
  await restart().request({ url: '/session' });
  assert.equal(calls.login, 3, 'a new start of the mini program logs in silently again');
});

test('logging out succeeds if the session has ended or there is none', async () => {
  const { login, storage } = phone();
  await login.login();
  await endElsewhere({ storage });
  await login.logout();
  await login.logout();
  assert.equal(storage.size, 0);
});

test('an open route needs no login', async () => {
  const { login, calls } = phone();
  await login.request({ url: '/livez', auth: false });
  assert.equal(calls.login, 0);
  assert.equal(calls.requests[0].headers.authorization, undefined);
});

test('a phone code returns the number, also when it is sent again', async () => {
  const { login, calls } = phone();
  const code = crypto.randomUUID().replaceAll('-', '').repeat(2);
  const number = await login.phone(code);
  assert.deepEqual(Object.keys(number).sort(), ['country_code', 'phone_number', 'pure_phone_number']);
  assert.match(number.pure_phone_number, /^\d+$/);
  assert.deepEqual(await login.phone(code), number);
  const mistaken = login.phone(code.slice(0, 32));
  await assert.rejects(mistaken, { statusCode: 400, error: 'login_code_instead_of_phone_code' });
  assert.equal(calls.login, 1);
});

test('data that cannot be decrypted does not affect the session', async () => {
  const { login, calls } = phone();
  const rejected = login.decrypt({ encryptedData: 'AAAAAAAAAAAAAAAAAAAAAA==', iv: 'AAAAAAAAAAAAAAAAAAAAAA==' });
  await assert.rejects(rejected, { statusCode: 409, error: 'session_key_stale' });
  assert.equal(calls.login, 1);
  assert.equal(sent(calls, 'POST', '/user/decrypt'), 1);
});

test('an error other than 401 is not retried', async () => {
  const { login, calls } = phone();
  await assert.rejects(login.request({ url: '/nowhere' }), { statusCode: 404, error: 'not_found', code: 404 });
  assert.equal(sent(calls, 'GET', '/nowhere'), 1);
});

test('without a server, requests reject with errMsg and the token stays', async () => {
  const gone = await startServer();
  const { login } = phone({ transport: network(BASE_URL, gone.origin) });
  await login.login();
  await gone.stop();
  await assert.rejects(login.request({ url: '/session' }), { error: 'network', errMsg: /^request:fail ./ });
  assert.equal(login.hasToken(), true);
  await assert.rejects(login.login(), { error: 'network', errMsg: /^request:fail ./ });
  await assert.rejects(login.logout(), { error: 'network' });
  assert.equal(login.hasToken(), false, 'logging out removes the token even without the server');
});
