// Logs the user in and sends requests with the token. The rest of the mini program calls `request`.
//
//   const login = require('../../utils/login');
//   login.request({ url: '/session' }).then((reply) => reply.data.user.id);
//
// `wx.login` shows nothing to the user. Its code works once. The token works until the server returns 401, so this file
// does not compute when it expires.

// The server's address. A phone needs the computer's LAN address, a release an https domain.
const BASE_URL = 'http://localhost:3000';

const TOKEN_KEY = 'weapp_login_token';
// The default of wx.request is 60 s, which is too long for a user who is waiting.
const TIMEOUT_MS = 10000;
// Errors about the code. A login with a new code can succeed.
const STALE_CODE = ['login_code_used', 'login_code_invalid'];

// The login in progress. Only this login may store its token: a logout clears it, so an earlier login cannot undo the logout.
let loginInProgress = null;
// Set by a logout. Then no request logs in automatically, until `login` is called or the mini program restarts.
let loggedOut = false;

// Sends `{url: '/path', method, data, header, timeout}` with the token. Resolves with the server's `{code, message, data}`
// for 2xx, otherwise rejects with an Error (see `failure`). On `session_required` it logs in and sends the request once
// more: the server rejected it before doing anything, so a POST is safe to repeat. Other errors are not
// repeated: after `session_key_stale` (409) the data must be obtained again. `auth: false` sends no token and never logs in.
function request(options) {
  if (options.auth === false || loggedOut) return send(options, '');
  return ensureLogin().then((token) => send(options, token).catch((error) => {
    if (error.error !== 'session_required' || loggedOut) throw error;
    // Another request may have logged in already: remove only the rejected token, not a newer one.
    if (wx.getStorageSync(TOKEN_KEY) === token) wx.removeStorageSync(TOKEN_KEY);
    return ensureLogin().then((successor) => send(options, successor));
  }));
}

// Resolves with `{phone_number, pure_phone_number, country_code}` for `e.detail.code` of a getPhoneNumber button. Safe to
// repeat with the same code: WeChat charges only once.
function phone(code) {
  return request({ url: '/user/phone', method: 'POST', data: { code: code } }).then((reply) => reply.data);
}

// Decrypts data: pass `e.detail`, or the result of wx.getUserInfo and similar calls. On `session_key_stale` call `login()`
// and trigger the event again: the old data can no longer be decrypted.
function decrypt(detail) {
  const { encryptedData, iv, rawData, signature } = detail;
  const data = { encryptedData: encryptedData, iv: iv, rawData: rawData, signature: signature };
  return request({ url: '/user/decrypt', method: 'POST', data: data }).then((reply) => reply.data);
}

// Resolves with the stored token, or with that of a new login. It does not check that the token is still valid.
function ensureLogin() {
  const token = wx.getStorageSync(TOKEN_KEY);
  return token ? Promise.resolve(token) : login().then((grant) => grant.token);
}

function hasToken() {
  return Boolean(wx.getStorageSync(TOKEN_KEY));
}

// Logs in and resolves with `{token, expires_in, idle_expires_in, user}`. Concurrent callers share one login: WeChat limits
// the calls of wx.login, and every login is a session on the server.
function login() {
  loggedOut = false;
  if (loginInProgress) return loginInProgress;
  const mine = exchangeCode()
    .catch((error) => {
      if (STALE_CODE.indexOf(error.error) < 0 || loginInProgress !== mine) throw error;
      return exchangeCode();
    })
    .then((grant) => {
      if (loginInProgress !== mine) {
        endSession(grant.token).catch(() => {}); // If this fails, the unused session expires by itself.
        throw failure('logged_out', 'Logged out while the login was in progress.');
      }
      wx.setStorageSync(TOKEN_KEY, grant.token);
      return grant;
    });
  const done = () => {
    if (loginInProgress === mine) loginInProgress = null;
  };
  mine.then(done, done);
  loginInProgress = mine;
  return mine;
}

// Removes the token, then ends the session on the server. A rejection means only that the server was not reached.
function logout() {
  const token = wx.getStorageSync(TOKEN_KEY);
  loggedOut = true;
  loginInProgress = null;
  wx.removeStorageSync(TOKEN_KEY);
  return token ? endSession(token) : Promise.resolve();
}

function endSession(token) {
  return send({ url: '/session', method: 'DELETE' }, token).catch((error) => {
    if (error.statusCode !== 401) throw error; // 401: it had ended already.
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

// A code works once, and its reply may be lost. A retry with the same Idempotency-Key gets the same reply and the same
// session. The previous token, if there is one, lets the new session keep the earlier session keys.
function sendCode(code) {
  const options = { url: '/login', method: 'POST', data: { code: code }, header: { 'Idempotency-Key': freshKey() } };
  const previous = wx.getStorageSync(TOKEN_KEY);
  return send(options, previous).catch((error) => {
    if (error.error !== 'network') throw error;
    return send(options, previous);
  });
}

// Identifies one login. It is not a secret (the code is), so Math.random is sufficient.
function freshKey() {
  let key = '';
  while (key.length < 32) key += Math.random().toString(36).slice(2);
  return key.slice(0, 32);
}

function freshCode() {
  return new Promise((resolve, reject) => {
    const fail = (result) => {
      reject(failure('wx_login_failed', 'wx.login gave no code: ' + result.errMsg, { errMsg: result.errMsg }));
    };
    wx.login({
      timeout: TIMEOUT_MS,
      success: (result) => (result.code ? resolve(result.code) : fail(result)),
      fail: fail,
    });
  });
}

// Wraps wx.request in a promise. It does not retry: after 429 or 503 the caller reads `error.retryAfter` and decides.
// Automatic retries of many phones would keep a busy server busy.
function send(options, token) {
  return new Promise((resolve, reject) => {
    if (options.url.charAt(0) !== '/') {
      throw failure('path_expected', 'url must be a path such as "/session": the token is for BASE_URL only.');
    }
    wx.request(Object.assign({ timeout: TIMEOUT_MS }, options, {
      url: BASE_URL + options.url,
      header: Object.assign({}, options.header, token ? { Authorization: 'Bearer ' + token } : {}),
      // `success` is called for every reply: 401 and 500 too, and HTML pages of a proxy.
      success: (reply) => {
        const ok = reply.statusCode >= 200 && reply.statusCode < 300;
        const text = typeof reply.data === 'string' && reply.data !== '';
        if (ok && !text) resolve(reply.data);
        else reject(replyError(reply));
      },
      fail: (result) => reject(failure('network', result.errMsg, { errMsg: result.errMsg })),
    }));
  });
}

function replyError(reply) {
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

// The case of header names differs between devices.
function secondsToWait(header) {
  const name = Object.keys(header).filter((key) => key.toLowerCase() === 'retry-after')[0];
  const seconds = name ? parseInt(header[name], 10) : NaN;
  return isNaN(seconds) ? undefined : seconds;
}

// Makes the Error of a rejection. `error` is a stable name (the server's, or one of this file), `message` a sentence.
// Replies add `statusCode`, `code`, `requestId`, `retryAfter` (seconds) and `data`; network errors add `errMsg`.
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
