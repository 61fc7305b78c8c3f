// Logs the users of a mini program in at a weapp-login server, and sends requests with the token.
//
// ES2015 without dependencies. All APIs of a platform are called in the second half of this file.

const TOKEN_KEY = 'weapp_login_token';
// The default of wx.request is 60 s, which is too long for a user who is waiting.
const TIMEOUT_MS = 10000;
// Errors about the code. A login with a new code can succeed.
const STALE_CODE = ['login_code_used', 'login_code_invalid'];

// Creates the client of one server. `index.d.ts` describes the options and the result.
export function createLogin(options) {
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const timeout = options.timeout || TIMEOUT_MS;
  const apis = adapter(options, timeout);
  const listeners = [];

  // The login in progress. Only this login may store its token: a logout clears it, so an earlier login cannot undo the logout.
  let current = null;
  // Set by a logout. Then no request logs in automatically, until `login` is called or the program restarts.
  let loggedOut = false;
  // The last failed login with a Retry-After, and the time when it ends.
  let rejected = null;
  let retryAt = 0;
  let wasLoggedIn = Boolean(apis.get());

  // Sends `{url: '/path', method, data, header, timeout, auth}` with the token. Resolves with the server's reply for 2xx,
  // otherwise rejects with an Error (see `failure`). On `session_required` it logs in and sends the request once more: the
  // server rejected it before doing anything, so a POST is safe to repeat. Other errors are not repeated.
  function request(call) {
    if (call.auth === false) return send(call, '');
    const isGuest = options.guest && !call.auth && !current && !apis.get();
    if (loggedOut || isGuest) return send(call, '');
    return ensureLogin().then((token) => send(call, token).catch((error) => {
      if (error.error !== 'session_required' || loggedOut) throw error;
      // Another request may have logged in already: remove only the rejected token, not a newer one.
      if (apis.get() === token) apis.remove();
      return ensureLogin().then((successor) => send(call, successor));
    }));
  }

  // Resolves with the stored token, or with that of a new login. It does not check that the token is still valid.
  function ensureLogin() {
    if (!current && apis.get()) return Promise.resolve(apis.get());
    return start(false).then((grant) => grant.token, (error) => {
      const token = apis.get();
      if (token) return token;
      changed(null);
      throw error;
    });
  }

  // Logs in and resolves with `{token, expires_in, idle_expires_in, user}`. Concurrent callers share one login: platforms limit the calls of
  // their login API, and every login is a session on the server.
  function login() {
    loggedOut = false;
    return start(true);
  }

  function start(interactive) {
    if (current) return current;
    const wait = Math.ceil((retryAt - Date.now()) / 1000);
    if (rejected && wait > 0 && wait <= rejected.retryAfter) {
      return Promise.reject(failure(rejected.error, rejected.message, Object.assign({}, rejected, { retryAfter: wait })));
    }
    const mine = exchangeCode(interactive)
      .catch((error) => {
        if (STALE_CODE.indexOf(error.error) < 0 || current !== mine) throw error;
        return exchangeCode(interactive);
      })
      .then((grant) => {
        if (current !== mine) {
          endSession(grant.token).catch(() => {}); // If this fails, the unused session expires by itself.
          throw failure('logged_out', 'Logged out while the login was in progress.');
        }
        rejected = null;
        apis.set(grant.token);
        changed(grant.user);
        return grant;
      });
    const done = () => {
      if (current === mine) current = null;
    };
    mine.then(done, (error) => {
      if (error.retryAfter) {
        rejected = error;
        retryAt = Date.now() + error.retryAfter * 1000;
      }
      done();
    });
    current = mine;
    return mine;
  }

  // Removes the token, then ends the session on the server. A rejection means only that the server was not reached.
  function logout() {
    const token = apis.get();
    loggedOut = true;
    current = null;
    apis.remove();
    changed(null);
    return token ? endSession(token) : Promise.resolve();
  }

  function endSession(token) {
    return send({ url: '/session', method: 'DELETE' }, token).then(() => {}, (error) => {
      if (error.statusCode !== 401) throw error; // 401: it had ended already.
    });
  }

  function exchangeCode(interactive) {
    return apis.login(interactive).then(sendCode).then((reply) => {
      const grant = reply.data;
      if (!grant || typeof grant.token !== 'string') {
        throw failure('unexpected_reply', 'No token in the reply: is baseUrl this server?');
      }
      return grant;
    });
  }

  // A code works once, and its reply may be lost. A retry with the same Idempotency-Key gets the same reply and the same
  // session. The new session replaces that of the previous token, and keeps its session keys.
  function sendCode(code) {
    const data = options.app ? { code: code, app: options.app } : { code: code };
    const call = { url: '/login', method: 'POST', data: data, header: { 'Idempotency-Key': freshKey() } };
    const previous = apis.get();
    return send(call, previous).catch((error) => {
      if (error.error !== 'network') throw error;
      return send(call, previous);
    });
  }

  // Resolves with `{phone_number, pure_phone_number, country_code}` for `e.detail.code` of a getPhoneNumber button. Safe to
  // repeat with the same code: WeChat charges only once.
  function phone(code) {
    return request({ url: '/user/phone', method: 'POST', data: { code: code } }).then((reply) => reply.data);
  }

  // Decrypts data: pass `e.detail`, or the result of wx.getUserInfo and similar calls. On `session_key_stale` call `login()`
  // and trigger the event again: the old data can no longer be decrypted.
  function decrypt(detail) {
    const data = {};
    ['encryptedData', 'iv', 'rawData', 'signature'].forEach((name) => {
      if (detail[name] !== undefined) data[name] = detail[name];
    });
    return request({ url: '/user/decrypt', method: 'POST', data: data }).then((reply) => reply.data);
  }

  // Calls the listener with the user after each login, and with null after a logout. Returns a function that removes it.
  function onChange(listener) {
    listeners.push(listener);
    return () => {
      const index = listeners.indexOf(listener);
      if (index >= 0) listeners.splice(index, 1);
    };
  }

  function changed(user) {
    if (!user && !wasLoggedIn) return;
    wasLoggedIn = Boolean(user);
    listeners.slice().forEach((listener) => listener(user));
  }

  function send(call, token) {
    return new Promise((resolve, reject) => {
      if (call.url.charAt(0) !== '/') {
        throw failure('path_expected', 'url must begin with a slash: the token is for baseUrl only.');
      }
      const sent = Object.assign({ method: 'GET', timeout: timeout }, call, {
        auth: undefined,
        url: baseUrl + call.url,
        header: Object.assign({}, call.header, token ? { Authorization: 'Bearer ' + token } : {}),
      });
      delete sent.auth;
      const hasType = Object.keys(sent.header).some((name) => name.toLowerCase() === 'content-type');
      if (sent.data && sent.method !== 'GET' && !hasType) sent.header['Content-Type'] = 'application/json';
      apis.request(sent).then((reply) => {
        const status = reply.statusCode || reply.status;
        const data = parsed(reply.data);
        const isText = typeof data === 'string' && data !== '';
        if (status >= 200 && status < 300 && !isText) resolve(data);
        else reject(replyError(status, data, reply.header || reply.headers || {}));
      }, (result) => reject(failure('network', textOf(result), { errMsg: textOf(result) })));
    });
  }

  if (options.loginAtStart) start(false).catch(() => {});

  return {
    baseUrl: baseUrl,
    request: request,
    ensureLogin: ensureLogin,
    hasToken: () => Boolean(apis.get()),
    login: login,
    logout: logout,
    phone: phone,
    decrypt: decrypt,
    onChange: onChange,
  };
}

// Returns `true` for the errors of this package. Their `error` is a stable name, which distinguishes their types.
export function isLoginError(error) {
  return error instanceof Error && typeof error.error === 'string';
}

// Makes the Error of a rejection. `error` is a stable name (the server's, or one of this file), `message` a sentence.
// Replies add `statusCode`, `code`, `requestId`, `retryAfter` (seconds) and `data`; errors of the platform add `errMsg`.
function failure(name, message, details) {
  return Object.assign(new Error(message), { error: name }, details);
}

function replyError(status, data, header) {
  const body = data && typeof data === 'object' ? data : {};
  const foreign = 'HTTP ' + status + ' without JSON: is baseUrl this server?';
  return failure(body.error || 'unexpected_reply', body.message || foreign, {
    statusCode: status,
    code: body.code,
    requestId: body.request_id,
    retryAfter: secondsToWait(header),
    data: data,
  });
}

// The case of header names differs between devices.
function secondsToWait(header) {
  const name = Object.keys(header).filter((key) => key.toLowerCase() === 'retry-after')[0];
  const seconds = name ? parseInt(header[name], 10) : NaN;
  return isNaN(seconds) ? undefined : seconds;
}

// Identifies one login. It is not a secret (the code is), so Math.random is sufficient.
function freshKey() {
  let key = '';
  while (key.length < 32) key += Math.random().toString(36).slice(2);
  return key.slice(0, 32);
}

function parsed(data) {
  if (typeof data !== 'string') return data;
  try {
    return JSON.parse(data);
  } catch (error) {
    return data;
  }
}

function textOf(result) {
  return String((result && (result.errMsg || result.errorMessage || result.message)) || result);
}

// The platforms. Their globals are not properties of one global object, so each is named.
const PLATFORMS = [
  () => wx, () => uni, () => Taro, () => my, () => tt, () => qq, () => swan, () => ks, () => xhs,
];

// Returns the API object of the platform: the first global that can send requests. A web page of WeChat has a `wx` that cannot.
function findPlatform() {
  for (let i = 0; i < PLATFORMS.length; i += 1) {
    try {
      const platform = PLATFORMS[i]();
      if (platform && platform.request) return platform;
    } catch (error) {
      // There is no such global.
    }
  }
  if (typeof fetch === 'function') return BROWSER;
  throw { errMsg: 'no API of a platform was found: pass `platform`' };
}

// Returns the functions that the client needs, from the options and from the platform.
function adapter(options, timeout) {
  const key = options.storageKey || TOKEN_KEY;
  const platform = () => options.platform || findPlatform();
  const storage = () => options.storage || storageOf(platform());
  // The token, if the storage is full or not available.
  let memory = '';
  const attempt = (use, otherwise) => {
    try {
      return use(storage()) || memory;
    } catch (error) {
      return otherwise();
    }
  };
  return {
    get: () => attempt((store) => store.get(key), () => memory),
    set: (token) => {
      memory = '';
      attempt((store) => store.set(key, token), () => { memory = token; });
    },
    remove: () => {
      memory = '';
      attempt((store) => store.remove(key), () => {});
    },
    request: (call) => promise(() => (options.request || ((sent) => sendWith(platform(), sent)))(call)),
    login: (interactive) => promise(() => {
      return options.login ? options.login(interactive) : codeOf(platform(), interactive, timeout);
    }).then((code) => {
      if (!code) throw { errMsg: 'the code is empty' };
      return code;
    }).catch((result) => {
      throw failure('platform_login_failed', 'The platform gave no login code: ' + textOf(result), { errMsg: textOf(result) });
    }),
  };
}

function isAlipay(platform) {
  return 'getAuthCode' in platform;
}

function promise(call) {
  return new Promise((resolve) => resolve(call()));
}

// Calls an API with callbacks. Taro's also returns a promise, whose rejection must be handled.
function ask(platform, name, options) {
  return new Promise((resolve, reject) => {
    const task = platform[name](Object.assign({}, options, { success: resolve, fail: reject }));
    if (task && task.then) task.then(null, () => {});
  });
}

function sendWith(platform, call) {
  // Alipay calls the headers of a request `headers`, and an error status a failure.
  const named = isAlipay(platform) ? Object.assign({ headers: call.header }, call) : call;
  return ask(platform, 'request', named).catch((result) => {
    if (result && (result.statusCode || result.status)) return result;
    throw result;
  });
}

// `force` is Douyin's: without it, `tt.login` shows nothing.
function codeOf(platform, interactive, timeout) {
  if (isAlipay(platform)) return ask(platform, 'getAuthCode', { scopes: 'auth_base' }).then((result) => result.authCode);
  if (!platform.login) throw { errMsg: 'there is no login API: pass `login`' };
  return ask(platform, 'login', { timeout: timeout, force: interactive }).then((result) => result.code);
}

function storageOf(platform) {
  if (!isAlipay(platform)) {
    return {
      get: (key) => platform.getStorageSync(key),
      set: (key, value) => platform.setStorageSync(key, value),
      remove: (key) => platform.removeStorageSync(key),
    };
  }
  return {
    get: (key) => platform.getStorageSync({ key: key }).data,
    set: (key, value) => platform.setStorageSync({ key: key, data: value }),
    remove: (key) => platform.removeStorageSync({ key: key }),
  };
}

// A web page without a framework. It has no login API.
const BROWSER = {
  request: (call) => {
    const isGet = call.method === 'GET';
    const pairs = isGet && call.data ? Object.keys(call.data) : [];
    const query = pairs.map((name) => encodeURIComponent(name) + '=' + encodeURIComponent(call.data[name])).join('&');
    fetch(query ? call.url + (call.url.indexOf('?') < 0 ? '?' : '&') + query : call.url, {
      method: call.method,
      headers: call.header,
      body: isGet || !call.data ? undefined : JSON.stringify(call.data),
    }).then((reply) => reply.text().then((text) => {
      const header = {};
      reply.headers.forEach((value, name) => { header[name] = value; });
      call.success({ statusCode: reply.status, data: text, header: header });
    })).catch(call.fail);
    setTimeout(() => call.fail({ errMsg: 'request:fail timeout' }), call.timeout);
  },
  getStorageSync: (key) => localStorage.getItem(key) || '',
  setStorageSync: (key, value) => localStorage.setItem(key, value),
  removeStorageSync: (key) => localStorage.removeItem(key),
};
