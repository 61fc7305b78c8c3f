// A fake `wx` with the documented behaviour of the functions that a login needs. Access to any other function throws.
//
// Requests go through a `transport`: `({method, url, headers, body, timeout}) => Promise<{status, headers, text}>`. `network()` is the
// real one; a test can pass its own to script the responses.

'use strict';

const http = require('node:http');
const { randomBytes } = require('node:crypto');

const MOCK_CODE = 'the code is a mock one';
const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'];
const CONCURRENT = 10;
const REFERER = 'https://servicewechat.com/touristappid/devtools/page-frame.html';

// `codes()` returns the code for wx.login; if it throws, wx.login fails. `calls` counts the calls of the mini program.
function createWx({ transport, codes = issuedCode }) {
  const storage = new Map();
  const calls = { login: 0, requests: [] };
  const waiting = [];
  let running = 0;

  function pump() {
    while (running < CONCURRENT && waiting.length > 0) {
      running += 1;
      const { request, succeed, fail } = waiting.shift();
      transport(request)
        .then(succeed, fail)
        .finally(() => {
          running -= 1;
          pump();
        });
    }
  }

  const wx = {
    login(options) {
      calls.login += 1;
      let code;
      try {
        code = codes();
      } catch (error) {
        return later(options, 'fail', { errMsg: `login:fail ${error.message}`, errno: -1 });
      }
      return later(options, 'success', { errMsg: 'login:ok', code });
    },

    request(options) {
      const method = options.method === undefined ? 'GET' : options.method;
      if (!METHODS.includes(method)) {
        return later(options, 'fail', { errMsg: `request:fail method is invalid: ${method}` });
      }
      const request = { method, timeout: options.timeout || 60000, ...encode(options, method) };
      calls.requests.push(request);
      const succeed = (reply) => {
        const data = decode(options, reply.text);
        const result = { data, statusCode: reply.status, header: reply.headers, cookies: [], errMsg: 'request:ok' };
        return later(options, 'success', result);
      };
      const fail = (error) => later(options, 'fail', { errMsg: `request:fail ${error.message}` });
      waiting.push({ request, succeed, fail });
      setImmediate(pump);
      return { abort() { throw new Error('the fake wx does not abort'); } };
    },

    getStorageSync: (key) => (storage.has(key) ? structuredClone(storage.get(key)) : ''),
    setStorageSync: (key, value) => void storage.set(key, structuredClone(value)),
    removeStorageSync: (key) => void storage.delete(key),
    clearStorageSync: () => storage.clear(),
  };

  const known = new Proxy(wx, {
    get(target, name) {
      if (!(name in target)) throw new Error(`the fake wx has no ${String(name)}`);
      return target[name];
    },
  });
  return { wx: known, calls, storage };
}

// Callbacks never run before the call returns.
function later(options, callback, result) {
  setImmediate(() => {
    if (options[callback]) options[callback](result);
    if (options.complete) options.complete(result);
  });
}

function encode(options, method) {
  const headers = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(options.header || {})) {
    headers[name.toLowerCase()] = String(value);
  }
  headers.referer = REFERER; // Set by WeChat; a mini program cannot change it.
  const { url, data } = options;
  if (data === undefined || data === null) return { url, headers, body: undefined };
  if (typeof data === 'string') return { url, headers, body: data };
  const query = Object.entries(data).map((pair) => pair.map((part) => encodeURIComponent(part)).join('=')).join('&');
  if (method === 'GET') return { url: query ? url + (url.includes('?') ? '&' : '?') + query : url, headers };
  const form = headers['content-type'].startsWith('application/x-www-form-urlencoded');
  return { url, headers, body: form ? query : JSON.stringify(data) };
}

// `dataType: 'json'`: parses the body if possible, else leaves a string, with any content type.
function decode(options, text) {
  const clean = text.replace(/^\uFEFF/, '');
  if (options.dataType !== undefined && options.dataType !== 'json') return clean;
  try {
    return JSON.parse(clean);
  } catch {
    return clean;
  }
}

// Real HTTP. Requests to `baseUrl` go to `origin`. Each has its own connection, so that no idle connection delays a server's stop.
function network(baseUrl, origin) {
  return ({ method, url, headers, body, timeout }) => new Promise((resolve, reject) => {
    if (!url.startsWith(`${baseUrl}/`)) throw new Error(`url not in domain list: ${url}`);
    const request = http.request(origin + url.slice(baseUrl.length), { method, headers, agent: false }, (reply) => {
      const chunks = [];
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const names = {};
        for (let i = 0; i < reply.rawHeaders.length; i += 2) names[reply.rawHeaders[i]] = reply.rawHeaders[i + 1];
        resolve({ status: reply.statusCode, headers: names, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.setTimeout(timeout, () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body));
    request.end(body);
  });
}

// Returns a code in the format of real phones: `0`, a hex digit, a digit, and 29 letters or digits.
function issuedCode() {
  const noise = randomBytes(64).toString('base64').replace(/[^0-9A-Za-z]/g, '');
  return `0${randomBytes(1).toString('hex')[0]}${randomBytes(1)[0] % 10}${noise}`.slice(0, 32);
}

module.exports = { createWx, network, issuedCode, MOCK_CODE };
