// The sample mini program and the real server, with `weapp-login simulate` beside them as WeChat: this file plays the part of
// WeChat's users through the simulator's orders, as a test in any language can.

'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { createWx, network } = require('./wx');
const { start } = require('./miniprogram');
const { startServer, startSimulator } = require('./server');

const { BASE_URL } = start({}).login();

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

async function order(method, path, body) {
  const options = { method, body: body && JSON.stringify(body) };
  const reply = await fetch(`${wechat.origin}/simulator/${path}`, options);
  const answer = await reply.json();
  assert.equal(reply.status, 200, `${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

// A phone in this user's hand, with so many login codes to come.
async function phoneOf(user, logins = 1) {
  const codes = [];
  for (let i = 0; i < logins; i += 1) codes.push((await order('POST', `users/${user}/login-code`)).code);
  const fake = createWx({ transport: network(BASE_URL, server.origin), codes: () => codes.shift() });
  return { ...fake, login: start(fake.wx).login() };
}

const asked = async (path) => (await order('GET', `requests?path=${path}`)).requests.length;

test('one person is one user, on every phone', async () => {
  const [one, other, bo] = [await phoneOf('mei'), await phoneOf('mei'), await phoneOf('bo')];
  const grants = [await one.login.login(), await other.login.login(), await bo.login.login()];
  const [mei, again, somebodyElse] = grants.map((grant) => grant.user);
  assert.deepEqual([mei.is_new, again.is_new, somebodyElse.is_new], [true, false, true]);
  assert.equal(mei.id, again.id);
  assert.notEqual(mei.id, somebodyElse.id);
});

test('a phone number is shown to its owner, and paid for once', async () => {
  const { login } = await phoneOf('fang');
  await login.login();
  await order('PUT', 'users/fang', { phone_number: '13580006666' });
  const { code } = await order('POST', 'users/fang/phone-code');
  const before = await asked('/wxa/business/getuserphonenumber');
  const [first, second] = [await login.phone(code), await login.phone(code)];
  assert.deepEqual(first, { phone_number: '13580006666', pure_phone_number: '13580006666', country_code: '86' });
  assert.deepEqual(second, first);
  assert.equal(await asked('/wxa/business/getuserphonenumber'), before + 1);
});

test('a phone number code of another user gives nothing', async () => {
  const [mei, bo] = [await phoneOf('mei'), await phoneOf('bo')];
  await Promise.all([mei.login.login(), bo.login.login()]);
  const { code } = await order('POST', 'users/mei/phone-code');
  await assert.rejects(bo.login.phone(code), { error: 'phone_code_invalid' });
});

test('what an event carries is opened, also when it was taken just before a login', async () => {
  const { login } = await phoneOf('lan', 2);
  await login.login();
  await order('PUT', 'users/lan', { nickname: '兰' });
  const detail = await order('POST', 'users/lan/encrypted-data', { kind: 'user_info' });
  assert.equal((await login.decrypt(detail)).nickName, '兰');
  await login.login();
  assert.equal((await login.decrypt(detail)).nickName, '兰');
});

test('a stale session key is told, and is no reason to log in again', async () => {
  const { login, calls } = await phoneOf('jun');
  await login.login();
  const detail = await order('POST', 'users/bo/encrypted-data', { kind: 'phone_number' });
  await assert.rejects(login.decrypt(detail), { error: 'session_key_stale', statusCode: 401 });
  assert.equal(calls.login, 1);
  assert.equal((await login.request({ url: '/session/key' })).data.valid, true);
});

test('a busy WeChat costs time, and no login', async () => {
  const { login } = await phoneOf('qing');
  const fault = { kind: 'errcode', errcode: -1 };
  await order('POST', 'faults', { endpoint: '/sns/jscode2session', fault, times: 2 });
  assert.ok((await login.login()).token);
});
