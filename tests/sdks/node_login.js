// The login surface with co-wechat-api and node-easywechat, unmodified: they call https://api.weixin.qq.com, which is the simulator.

'use strict';

const crypto = require('node:crypto');
const { COMMANDS, APP_ID, APP_SECRET } = process.env;
const HOST = 'https://api.weixin.qq.com';
let failed = 0;

/** Gives the simulator a command. */
async function command(method, path, body) {
  const reply = await fetch(COMMANDS + path, { method, body: body && JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return reply.json();
}

/** Returns the error number in an SDK's exception or reply. */
async function errcode(call) {
  try {
    const reply = await call();
    return (reply && reply.errcode) || 0;
  } catch (error) {
    const found = /"errcode":(-?\d+)/.exec(error.message);
    return error.code || (found ? Number(found[1]) : error.message);
  }
}

const sign = (key) => crypto.createHmac('sha256', key).update('').digest('hex');
const isJpeg = (bytes) => Buffer.from(bytes).subarray(0, 3).toString('hex') === 'ffd8ff';

/** The calls of an SDK; `heals` if it fetches a new token after a 40001. */
async function run(name, sdk) {
  let passed = 0;
  let total = 0;
  const check = (what, passes) => {
    total += 1;
    passed += passes ? 1 : 0;
    console.log(`  ${name} | ${what} | ${passes ? 'ok' : 'FAILED'}`);
  };
  const mei = await command('GET', '/users/mei');
  const { code } = await command('POST', '/users/mei/login-code');
  const session = await sdk.login(code);
  check('login', session.openid === mei.openid);
  check('used code is 40163', (await errcode(() => sdk.login(code))) === 40163);
  check('made-up code is 40029', (await errcode(() => sdk.login('x'))) === 40029);
  const token = await sdk.token();
  check('token', token.length > 100);

  const ips = () => sdk.get('/cgi-bin/getcallbackip', {});
  await command('POST', `/apps/${APP_ID}/invalidate-access-tokens`);
  if (sdk.heals) {
    check('healing after a clobber', (await ips()).ip_list.length > 0 && (await sdk.token()) !== token);
  } else {
    check('a clobber is passed on as 40001', (await errcode(ips)) === 40001);
    await sdk.refresh();
    check('a new token works', (await ips()).ip_list.length > 0);
  }

  const phoneCode = await command('POST', '/users/mei/phone-code');
  const phone = await sdk.post('/wxa/business/getuserphonenumber', { code: phoneCode.code });
  check('phone', phone.phone_info.purePhoneNumber === mei.phone_number);

  if (sdk.decrypt) {
    const data = await command('POST', '/users/mei/encrypted-data', { kind: 'phone_number' });
    const plain = sdk.decrypt(session.session_key, data.iv, data.encryptedData);
    check('decrypt', plain.phoneNumber === mei.phone_number);
  }

  const key = session.session_key;
  const parameters = { openid: mei.openid, signature: sign(key), sig_method: 'hmac_sha256' };
  check('check of the key', (await errcode(() => sdk.get('/wxa/checksession', parameters))) === 0);
  const reset = await sdk.get('/wxa/resetusersessionkey', parameters);
  check('reset of the key', reset.session_key.length === 24 && reset.session_key !== key);
  check('the old key is 87009', (await errcode(() => sdk.get('/wxa/checksession', parameters))) === 87009);
  check('QR code', isJpeg(await sdk.picture('a=1', 'pages/index/index')));
  check('a wrong page is 41030', (await errcode(() => sdk.picture('a=1', '/pages/index'))) === 41030);
  console.log(`${name}: ${passed} of ${total} checks`);
  failed += total - passed;
}

function coWechatApi() {
  const WechatAPI = require('co-wechat-api');
  const api = new WechatAPI(APP_ID, APP_SECRET);
  const target = async (path, parameters) => {
    const { accessToken } = await api.ensureAccessToken();
    return `${HOST}${path}?${new URLSearchParams({ access_token: accessToken, ...parameters })}`;
  };
  return {
    heals: true,
    login: (code) => api.code2Session(code),
    token: async () => (await api.ensureAccessToken()).accessToken,
    get: async (path, parameters) => api.request(await target(path, parameters)),
    post: async (path, body) => api.request(await target(path), {
      method: 'POST', data: JSON.stringify(body), headers: { 'content-type': 'application/json' },
    }),
    picture: (scene, page) => api.getWXACodeUnlimit(scene, page),
  };
}

function nodeEasywechat() {
  const { MiniApp } = require('node-easywechat');
  const app = new MiniApp({ app_id: APP_ID, secret: APP_SECRET });
  const send = async (method, path, options) => (await app.getClient().request(method, path, options)).toObject();
  return {
    heals: false,
    login: (code) => app.getUtils().codeToSession(code),
    token: () => app.getAccessToken().getToken(),
    refresh: () => app.getAccessToken().refresh(),
    get: (path, parameters) => send('GET', path, { params: parameters }),
    post: (path, body) => send('POST', path, { json: body }),
    decrypt: (key, iv, data) => app.getUtils().decryptSession(key, iv, data),
    picture: async (scene, page) => {
      const reply = await app.getClient().request('POST', '/wxa/getwxacodeunlimit', {
        json: { scene, page }, responseType: 'arraybuffer',
      });
      const bytes = Buffer.from(reply.toObject() instanceof Object && !reply.getHeader('content-type').includes('jpeg')
        ? JSON.stringify(reply.toObject()) : reply.getContent(), 'binary');
      if (!isJpeg(bytes)) throw new Error(bytes.toString());
      return bytes;
    },
  };
}

(async () => {
  await run('co-wechat-api', coWechatApi());
  await run('node-easywechat', nodeEasywechat());
  process.exit(failed === 0 ? 0 : 1);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
