// The sample mini program with the real server and `weapp-login simulate` as WeChat. The tests create WeChat's users and their codes
// through the simulator's control API, as a test in any language can.

'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { createWx, network } = require('./wx');
const { start } = require('./miniprogram');
const { startServer, startSimulator } = require('./server');

const { baseUrl: BASE_URL } = start({}).login();

let wechat;
let server;
before(async () => {
  wechat = await startSimulator();
  const shown = (name) => new RegExp(`${name}: (\\w+)`).exec(wechat.line())[1];
  server = await startServer({
    WEAPP_WECHAT__BASE_URL: wechat.origin,
    WEAPP_APPS__MAIN__APP_ID: shown('AppID'),
    WEAPP_APPS__MAIN__APP_SECRET: shown('AppSecret'),
  });
});
after(async () => {
  if (server) await server.stop();
  if (wechat) await wechat.stop();
});

async function control(method, path, data) {
  const options = { method, body: data && JSON.stringify(data) };
  const reply = await fetch(`${wechat.origin}/simulator/${path}`, options);
  const body = await reply.json();
  assert.equal(reply.status, 200, `${method} ${path}: ${JSON.stringify(body)}`);
  return body;
}

// A phone of this user, with login codes for that many logins.
async function phoneOf(user, logins = 1) {
  const codes = [];
  for (let i = 0; i < logins; i += 1) codes.push((await control('POST', `users/${user}/login-code`)).code);
  const fake = createWx({ transport: network(BASE_URL, server.origin), codes: () => codes.shift() });
  return { ...fake, login: start(fake.wx).login() };
}

const requestsTo = async (path) => (await control('GET', `requests?path=${path}`)).requests.length;

test('a person is the same user on every phone', async () => {
  const phones = [await phoneOf('mei'), await phoneOf('mei'), await phoneOf('bo')];
  const grants = [];
  for (const { login } of phones) grants.push(await login.login());
  const [mei, again, other] = grants.map((grant) => grant.user);
  assert.deepEqual([mei.is_new, again.is_new, other.is_new], [true, false, true]);
  assert.equal(mei.id, again.id);
  assert.notEqual(mei.id, other.id);
});

test('a phone number is returned to its owner, and fetched once', async () => {
  const { login } = await phoneOf('fang');
  await login.login();
  await control('PUT', 'users/fang', { phone_number: '13580006666' });
  const { code } = await control('POST', 'users/fang/phone-code');
  const before = await requestsTo('/wxa/business/getuserphonenumber');
  const [first, second] = [await login.phone(code), await login.phone(code)];
  assert.deepEqual(first, { phone_number: '13580006666', pure_phone_number: '13580006666', country_code: '86' });
  assert.deepEqual(second, first);
  assert.equal(await requestsTo('/wxa/business/getuserphonenumber'), before + 1);
});

test('a phone code of another user is rejected', async () => {
  const [mei, bo] = [await phoneOf('mei'), await phoneOf('bo')];
  await Promise.all([mei.login.login(), bo.login.login()]);
  const { code } = await control('POST', 'users/mei/phone-code');
  await assert.rejects(bo.login.phone(code), { error: 'phone_code_invalid' });
});

test('encrypted data is decrypted, also if it is older than the login', async () => {
  const { login } = await phoneOf('lan', 2);
  await login.login();
  await control('PUT', 'users/lan', { nickname: '兰' });
  const detail = await control('POST', 'users/lan/encrypted-data', { kind: 'user_info' });
  assert.equal((await login.decrypt(detail)).nickName, '兰');
  await login.login();
  assert.equal((await login.decrypt(detail)).nickName, '兰');
});

test('a stale session key is reported and does not cause a login', async () => {
  const { login, calls } = await phoneOf('jun');
  await login.login();
  const detail = await control('POST', 'users/bo/encrypted-data', { kind: 'phone_number' });
  await assert.rejects(login.decrypt(detail), { error: 'session_key_stale', statusCode: 409 });
  assert.equal(calls.login, 1);
  assert.equal((await login.request({ url: '/session/key' })).data.valid, true);
});

test('a login succeeds while WeChat is briefly busy', async () => {
  const { login } = await phoneOf('qing');
  const fault = { kind: 'errcode', errcode: -1 };
  await control('POST', 'faults', { endpoint: '/sns/jscode2session', fault, times: 2 });
  assert.ok((await login.login()).token);
});
