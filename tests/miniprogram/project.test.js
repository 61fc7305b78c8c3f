// The sample project as WeChat DevTools opens it: its files, app.js, and the page with the real server.

'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { createWx, network, MOCK_CODE } = require('./wx');
const { start, ROOT } = require('./miniprogram');
const { startServer } = require('./server');

const PAGE = 'pages/index/index';
const { baseUrl: BASE_URL } = start({}).login();
const text = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const json = (file) => JSON.parse(text(file));

let server;
before(async () => {
  server = await startServer();
});
after(() => server && server.stop());

function open(options) {
  const fake = createWx({ transport: network(BASE_URL, server.origin), codes: () => MOCK_CODE, ...options });
  const program = start(fake.wx);
  program.app().onLaunch();
  const page = program.page(PAGE);
  page.onLoad({});
  return { ...fake, page };
}

async function until(condition) {
  for (let waited = 0; waited < 5000; waited += 10) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`not true within 5 s: ${condition}`);
}

test('the project has the files and settings that DevTools needs', () => {
  const project = json('project.config.json');
  assert.equal(project.setting.urlCheck, false);
  assert.equal(project.appid, 'touristappid');
  assert.equal(project.compileType, 'miniprogram');
  assert.match(project.libVersion, /^\d+\.\d+\.\d+$/);

  const app = json('app.json');
  assert.deepEqual(app.pages, [PAGE]);
  for (const page of app.pages) {
    for (const kind of ['js', 'json', 'wxml', 'wxss']) text(`${page}.${kind}`);
    json(`${page}.json`);
  }
  assert.ok(json(app.sitemapLocation).rules.length > 0);
});

test('every name in the view exists in the page', () => {
  const { page } = open();
  const view = text(`${PAGE}.wxml`);
  const handlers = [...view.matchAll(/bind\w+="(\w+)"/g)].map((match) => match[1]);
  assert.deepEqual(handlers, ['onLogin', 'onCall', 'onLogout']);
  for (const handler of handlers) assert.equal(typeof page[handler], 'function', handler);
  for (const [, expression] of view.matchAll(/\{\{(.+?)\}\}/g)) {
    for (const [name] of expression.replace(/'[^']*'|\btrue\b/g, '').matchAll(/[a-z]\w*/gi)) {
      assert.ok(name in page.data, `${name} is not in the page's data`);
    }
  }

  const unclosed = [];
  for (const [, end, name, self] of view.matchAll(/<(\/?)([a-z]+)(?:"[^"]*"|[^">])*?(\/?)>/g)) {
    if (end) assert.equal(unclosed.pop(), name);
    else if (!self) unclosed.push(name);
  }
  assert.deepEqual(unclosed, []);
});

test('the page shows the user and the times of the session', async () => {
  const { page, calls } = open();
  assert.equal(page.data.state, 'checking');
  await until(() => page.data.state === 'in' && !page.data.busy);
  assert.notEqual(page.data.userId, '—');
  assert.match(page.data.since, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  assert.match(page.data.until, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  assert.equal(calls.login, 1, 'app.js and the page share one login');
});

test('the buttons log out, call the API and log in again', async () => {
  const { page, calls, storage } = open();
  await until(() => page.data.state === 'in' && !page.data.busy);
  const { userId } = page.data;

  page.onLogout();
  assert.equal(page.data.busy, true);
  await until(() => !page.data.busy);
  assert.equal(page.data.state, 'out');
  assert.equal(storage.size, 0);

  page.onCall();
  await until(() => !page.data.busy);
  assert.equal(page.data.state, 'out');
  assert.match(page.data.answer, /^401 session_required /);
  assert.match(page.data.advice, /重新登录/);

  page.onLogin();
  await until(() => !page.data.busy);
  assert.equal(page.data.state, 'in');
  assert.equal(page.data.userId, userId);
  assert.equal(calls.login, 2);

  page.onCall();
  await until(() => !page.data.busy);
  assert.equal(JSON.parse(page.data.answer).message, 'success!');
});

test('without a server the page gives advice', async (context) => {
  const warn = context.mock.method(console, 'warn', () => {});
  const gone = await startServer();
  await gone.stop();
  const { page } = open({ transport: network(BASE_URL, gone.origin) });
  await until(() => page.data.state !== 'checking');
  assert.equal(page.data.state, 'out');
  assert.match(page.data.advice, /cargo run/);
  assert.match(page.data.answer, /^network request:fail /);
  assert.equal(warn.mock.callCount(), 1);
});
