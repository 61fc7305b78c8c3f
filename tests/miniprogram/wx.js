// A `wx` that behaves as WeChat documents it, as far as a login needs it. What it lacks, it refuses by name.
//
// The network below it is a `transport`: `({method, url, headers, body, timeout}) => Promise<{status, headers, text}>`.
// `network()` is the real one; a test that needs a server no server would play hands in its own.

'use strict';

const http = require('node:http');
const { randomBytes } = require('node:crypto');

const MOCK_CODE = 'the code is a mock one';
const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'];
const CONCURRENT = 10;
const REFERER = 'https://servicewechat.com/touristappid/devtools/page-frame.html';

// `codes()` yields what wx.login gives; an Error makes it fail. `calls` counts what the mini program asked for.
function createWx({ transport, codes = issuedCode }) {
  const storage = new Map();
  const calls = { login: 0, requests: [] };
  const waiting = [];
  let running = 0;

  function pump() {
    while (running < CONCURRENT && waiting.length > 0) {
      running += 1;
      const { request, answer, refuse } = waiting.shift();
      transport(request)
        .then(answer, refuse)
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
      const answer = (reply) => {
        const data = decode(options, reply.text);
        const result = { data, statusCode: reply.status, header: reply.headers, cookies: [], errMsg: 'request:ok' };
        return later(options, 'success', result);
      };
      const refuse = (error) => later(options, 'fail', { errMsg: `request:fail ${error.message}` });
      waiting.push({ request, answer, refuse });
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
  headers.referer = REFERER; // WeChat's own: a mini program cannot set it.
  const { url, data } = options;
  if (data === undefined || data === null) return { url, headers, body: undefined };
  if (typeof data === 'string') return { url, headers, body: data };
  const query = Object.entries(data).map((pair) => pair.map((part) => encodeURIComponent(part)).join('=')).join('&');
  if (method === 'GET') return { url: query ? url + (url.includes('?') ? '&' : '?') + query : url, headers };
  const form = headers['content-type'].startsWith('application/x-www-form-urlencoded');
  return { url, headers, body: form ? query : JSON.stringify(data) };
}

// `dataType: 'json'` means: parsed when it can be, else left as a string, whatever the content type says.
function decode(options, text) {
  const clean = text.replace(/^\uFEFF/, '');
  if (options.dataType !== undefined && options.dataType !== 'json') return clean;
  try {
    return JSON.parse(clean);
  } catch {
    return clean;
  }
}

// Real HTTP, with one name service: whatever is addressed to `baseUrl` goes to `origin`. A connection per request,
// so that no idle one keeps a server from stopping.
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

// Shaped like the codes that phones send: 32 letters and digits, `0` + hex digit + digit first.
function issuedCode() {
  const noise = randomBytes(64).toString('base64').replace(/[^0-9A-Za-z]/g, '');
  return `0${randomBytes(1).toString('hex')[0]}${randomBytes(1)[0] % 10}${noise}`.slice(0, 32);
}

module.exports = { createWx, network, issuedCode, MOCK_CODE };
