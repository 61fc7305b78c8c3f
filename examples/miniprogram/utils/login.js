// Logs the user in and speaks to the server with the session; the rest of the mini program calls `request`.
//
//   const login = require('../../utils/login');
//   login.request({ url: '/session' }).then((reply) => reply.data.user.id);
//
// `wx.login` is silent: no button, no pop-up, no profile. Its code works once; the token the server answers with works
// until the server says 401, and only the server knows when that is: so nothing here keeps a clock.

// The one place that names the server. A phone needs the computer's LAN address here, a release an https domain.
const BASE_URL = 'http://localhost:3000';

const TOKEN_KEY = 'weapp_login_token';
// wx.request would wait 60 s; nobody looks at a blank screen that long.
const TIMEOUT_MS = 10000;
// These refusals are about the code and not about the user, so a fresh code may well do.
const STALE_CODE = ['login_code_used', 'login_code_invalid'];

// The one login that may store its token. A log-out takes this away, so a login it overtook cannot undo it.
let loginUnderWay = null;
// After a log-out nothing logs in silently, until somebody asks for it or the mini program starts anew.
let loggedOut = false;

// Sends `{url: '/path', method, data, header, timeout}` as the user. Resolves with the server's `{code, message, data}`
// for 2xx, else rejects with an Error (see `failure`). On `session_required` it logs in and sends once more: the server
// refused before doing anything, so even a POST is safe to repeat. No other 401 does that: a login does not help against
// `session_key_stale` unless the data is taken again after it. `auth: false` sends no token and never logs in.
function request(options) {
  if (options.auth === false || loggedOut) return send(options, '');
  return ensureLogin().then((token) => send(options, token).catch((refusal) => {
    if (refusal.error !== 'session_required' || loggedOut) throw refusal;
    // Another request may have logged in meanwhile: only the refused token is thrown away, never its successor.
    if (wx.getStorageSync(TOKEN_KEY) === token) wx.removeStorageSync(TOKEN_KEY);
    return ensureLogin().then((successor) => send(options, successor));
  }));
}

// Resolves with `{phone_number, pure_phone_number, country_code}` for `e.detail.code` of a getPhoneNumber button. Safe to
// repeat with the same code: it is paid for once.
function phone(code) {
  return request({ url: '/user/phone', method: 'POST', data: { code: code } }).then((reply) => reply.data);
}

// Resolves with what is inside encrypted data: pass `e.detail`, or what wx.getUserInfo and their like resolve with. On
// `session_key_stale` call `login()`, and let the user cause the event again: the data of before will not open.
function decrypt(detail) {
  const { encryptedData, iv, rawData, signature } = detail;
  const data = { encryptedData: encryptedData, iv: iv, rawData: rawData, signature: signature };
  return request({ url: '/user/decrypt', method: 'POST', data: data }).then((reply) => reply.data);
}

// Resolves with the token in storage, or with that of a new login. Whether it still lives, the next request shows.
function ensureLogin() {
  const token = wx.getStorageSync(TOKEN_KEY);
  return token ? Promise.resolve(token) : login().then((grant) => grant.token);
}

function hasToken() {
  return Boolean(wx.getStorageSync(TOKEN_KEY));
}

// Logs in anew and resolves with `{token, expires_in, user}`. All who ask while one login is under way share it: WeChat
// limits how often wx.login may be called, and every login is a session on the server.
function login() {
  loggedOut = false;
  if (loginUnderWay) return loginUnderWay;
  const mine = exchangeCode()
    .catch((refusal) => {
      if (STALE_CODE.indexOf(refusal.error) < 0 || loginUnderWay !== mine) throw refusal;
      return exchangeCode();
    })
    .then((grant) => {
      if (loginUnderWay !== mine) {
        endSession(grant.token).catch(() => {}); // Nobody will use it; if the server cannot be told, it expires.
        throw failure('logged_out', 'Logged out while the login was under way.');
      }
      wx.setStorageSync(TOKEN_KEY, grant.token);
      return grant;
    });
  const done = () => {
    if (loginUnderWay === mine) loginUnderWay = null;
  };
  mine.then(done, done);
  loginUnderWay = mine;
  return mine;
}

// Forgets the token at once and then tells the server. A rejection means only that the server could not be told.
function logout() {
  const token = wx.getStorageSync(TOKEN_KEY);
  loggedOut = true;
  loginUnderWay = null;
  wx.removeStorageSync(TOKEN_KEY);
  return token ? endSession(token) : Promise.resolve();
}

function endSession(token) {
  return send({ url: '/session', method: 'DELETE' }, token).catch((refusal) => {
    if (refusal.statusCode !== 401) throw refusal; // 401: it had ended already.
  });
}

function exchangeCode() {
  return freshCode()
    .then((code) => sendCode(code))
    .then((reply) => {
      const grant = reply.data;
      if (!grant || typeof grant.token !== 'string') {
        throw failure('unexpected_reply', 'The reply to /login holds no token: is BASE_URL this backend?');
      }
      return grant;
    });
}

// A code works once, but its answer may be lost on the way: sent again with the same key, it gets the same answer, so one
// login stays one session. The token of the session before, if there is one, hands its session keys on to the new one.
function sendCode(code) {
  const options = { url: '/login', method: 'POST', data: { code: code }, header: { 'Idempotency-Key': freshKey() } };
  const previous = wx.getStorageSync(TOKEN_KEY);
  return send(options, previous).catch((refusal) => {
    if (refusal.error !== 'network') throw refusal;
    return send(options, previous);
  });
}

// Tells one login from all others. The secret is the code, so Math.random will do.
function freshKey() {
  let key = '';
  while (key.length < 32) key += Math.random().toString(36).slice(2);
  return key.slice(0, 32);
}

function freshCode() {
  return new Promise((resolve, reject) => {
    const refuse = (result) => {
      reject(failure('wx_login_failed', 'wx.login gave no code: ' + result.errMsg, { errMsg: result.errMsg }));
    };
    wx.login({
      timeout: TIMEOUT_MS,
      success: (result) => (result.code ? resolve(result.code) : refuse(result)),
      fail: refuse,
    });
  });
}

// One wx.request as a promise. Nothing is repeated here: after 429 or 503 the caller reads `error.retryAfter` and
// decides, for many phones that retry by themselves keep a busy server busy.
function send(options, token) {
  return new Promise((resolve, reject) => {
    if (options.url.charAt(0) !== '/') {
      throw failure('path_expected', 'url must be a path such as "/session": the token is for BASE_URL only.');
    }
    wx.request(Object.assign({ timeout: TIMEOUT_MS }, options, {
      url: BASE_URL + options.url,
      header: Object.assign({}, options.header, token ? { Authorization: 'Bearer ' + token } : {}),
      // `success` means that some answer came: 401 and 500 end up here too, and so do a proxy's HTML pages.
      success: (reply) => {
        const fine = reply.statusCode >= 200 && reply.statusCode < 300;
        const text = typeof reply.data === 'string' && reply.data !== '';
        if (fine && !text) resolve(reply.data);
        else reject(refusalOf(reply));
      },
      fail: (result) => reject(failure('network', result.errMsg, { errMsg: result.errMsg })),
    }));
  });
}

function refusalOf(reply) {
  const body = reply.data && typeof reply.data === 'object' ? reply.data : {};
  const foreign = 'HTTP ' + reply.statusCode + ' without JSON: a proxy answered, or BASE_URL is not this backend.';
  return failure(body.error || 'unexpected_reply', body.message || foreign, {
    statusCode: reply.statusCode,
    code: body.code,
    requestId: body.request_id,
    retryAfter: secondsToWait(reply.header || {}),
    data: reply.data,
  });
}

// Devices differ in how they spell header names.
function secondsToWait(header) {
  const name = Object.keys(header).filter((key) => key.toLowerCase() === 'retry-after')[0];
  const seconds = name ? parseInt(header[name], 10) : NaN;
  return isNaN(seconds) ? undefined : seconds;
}

// Every rejection is an Error: `error` is the stable name to branch on (the server's, or one of this file), `message` a
// sentence; replies add `statusCode`, `code`, `requestId`, `retryAfter` (seconds) and `data`, the network `errMsg`.
function failure(name, message, details) {
  return Object.assign(new Error(message), { error: name }, details);
}

module.exports = {
  BASE_URL: BASE_URL,
  request: request,
  ensureLogin: ensureLogin,
  hasToken: hasToken,
  login: login,
  logout: logout,
  phone: phone,
  decrypt: decrypt,
};
