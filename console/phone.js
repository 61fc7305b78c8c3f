// The phone: a simulated user of the mini program. Each button makes the requests that it names.
import { calls } from './admin.js'
import { call, Failure, succeed, data } from './call.js'
import { diagram } from './diagram.js'
import { action, announce, element, field, fill } from './element.js'
import { eventsOf } from './events.js'
import { onLanguage, t } from './language.js'

const PEOPLE = ['mei', 'ming', 'hong']
const [MINI, SERVER, WECHAT] = [0, 1, 2]

// The state of the phone. The token stays in this tab.
const phone = { code: '', token: '', user: '', nickname: '', number: '' }
let user, app, screen, drawing, why, people

export function phonePane(state) {
  user = element('input', { value: PEOPLE[0], list: 'people', required: true, autocomplete: 'off', onchange: forget })
  people = element('datalist', { id: 'people' })
  const apps = state.apps.map(({ name, app_id }) => element('option', { value: name, 'data-app-id': app_id }, `${name} (${app_id})`))
  // With several apps, each login names one.
  app = element('select', { onchange: forget }, apps.length < 2 && element('option', { value: '', text: 'onlyApp' }), ...apps)
  screen = element('div', { class: 'screen' })
  why = element('div', { class: 'why', role: 'status' })
  drawing = diagram()
  onLanguage(showScreen)
  showScreen()
  listPeople(state)
  const device = element('section', { class: 'card device', label: 'phone' },
    element('div', { class: 'fields' }, field('user', user), people, field('app', app)), screen,
    state.simulated ? buttons() : element('p', { class: 'warning', text: 'realWechat' }),
    state.simulated && calls('GET /simulator/users'))
  return element('div', { class: 'columns' }, device,
    element('section', { class: 'card' }, element('h2', { text: 'sequence' }), why, calls('GET /console/errcodes/{errcode}'), drawing.node))
}

async function listPeople(state) {
  if (!state.simulated) return
  const { users } = await succeed('GET', 'simulator/users')
  fill(people, ...new Set([...PEOPLE, ...users]).values().map((name) => element('option', { value: name })))
}

const name = () => user.value.trim() || PEOPLE[0]

// A call of the simulator for the user in the chosen app.
const command = (item) => {
  const { appId } = app.selectedOptions[0].dataset
  return `simulator/users/${encodeURIComponent(name())}/${item}${appId ? `?app_id=${appId}` : ''}`
}

const loginBody = () => ({ code: phone.code, ...(app.value && { app: app.value }) })

function buttons() {
  const code = 'POST /simulator/users/{name}/login-code'
  return element('div', { class: 'actions' },
    action('login', [code, 'POST /login'], run('login', logIn), { class: 'action primary' }),
    action('again_code', ['POST /login'], run('again_code', sameCode)),
    action('later', [code, 'POST /simulator/clock', 'POST /login'], run('later', oldCode)),
    action('phoneNumber', ['POST /simulator/users/{name}/phone-code', 'POST /user/phone'], run('phoneNumber', phoneNumber)),
    action('profile', ['PUT /user'], run('profile', profile)),
    action('decrypt', ['POST /simulator/users/{name}/encrypted-data', 'POST /user/decrypt'], run('decrypt', decrypt)),
    action('checkSession', ['GET /session/key'], run('checkSession', checkSession)),
    action('logout', ['DELETE /session'], run('logout', logOut)))
}

// Runs the steps of a button, draws them, and announces the outcome.
function run(text, steps) {
  return async () => {
    drawing.start()
    fill(why)
    let error
    try {
      error = await steps()
    } catch (failure) {
      error = failure instanceof Failure ? failure.message : t('unreachable')
    }
    showScreen()
    announce(error ? t('failed', { action: t(text), error }) : t('succeeded', { action: t(text) }))
  }
}

function forget() {
  Object.assign(phone, { code: '', token: '', user: '', nickname: '', number: '' })
  showScreen()
}

function showScreen() {
  const is = phone.token ? 'loggedIn' : 'loggedOut'
  fill(screen,
    element('div', { class: 'avatar', 'aria-hidden': 'true' }, name().slice(0, 1).toUpperCase()),
    element('strong', {}, phone.nickname || name()),
    element('span', { class: phone.token ? 'pill good' : 'pill', text: is }),
    phone.user && element('code', { class: 'muted' }, phone.user),
    phone.number && element('span', {}, phone.number))
}

const line = ({ method, path, status, ms }) => `${method} /${path} → ${status} · ${ms} ms`

// Draws a request of the mini program: its calls to WeChat, and the reply. Returns the message of an error.
async function draw(done, text) {
  const failed = done.status !== 200
  drawing.add({ from: MINI, to: SERVER, text, line: `${done.method} /${done.path}`, body: done.body && JSON.stringify(done.body) })
  const { request, calls } = await eventsOf(done.id)
  for (const made of calls) {
    const isLogin = made.endpoint === '/sns/jscode2session'
    const bad = made.errcode !== 0
    drawing.add({ from: SERVER, to: WECHAT, text: isLogin ? 'stepExchange' : 'stepAsks', line: `${made.method} ${made.url}`, body: made.body })
    drawing.add({ from: WECHAT, to: SERVER, isReply: true, failed: bad, text: bad ? 'stepRejected' : isLogin ? 'stepKey' : 'stepReply',
      line: `${made.status ?? '–'} · ${made.ms} ms`, body: made.reply ?? made.error })
  }
  if (!calls.length && failed) drawing.add({ note: 'noCall' })
  const success = done.path === 'login' ? 'stepToken' : 'stepReply'
  drawing.add({ from: SERVER, to: MINI, isReply: true, failed, text: failed ? 'stepRejected' : success,
    line: `${done.status} · ${done.ms} ms`, body: done.text })
  if (failed) await explain(done, request)
  return failed && done.reply?.message
}

// Shows why a request was rejected: in plain words, as the client reads it, and as the server logs it.
async function explain({ reply }, request) {
  const errcode = reply?.platform?.errcode
  const plain = { 40163: 'whyUsed', 40029: 'whyOld' }[errcode]
  const row = errcode && await data(`errcodes/${errcode}`).catch(() => null)
  fill(why, element('h3', { text: 'why' }),
    plain && element('p', { class: 'plainly', text: plain }),
    element('p', {}, element('strong', {}, `${reply?.error ?? ''} `), reply?.message ?? ''),
    row && element('p', {}, `errcode ${row.errcode} (${row.errmsg}): ${row.meaning}; ${row.advice}`),
    request?.cause && element('pre', { tabindex: '0', label: 'cause' }, request.cause))
}

// wx.login: the simulator issues a code to the user.
async function wxLogin() {
  const done = await call('POST', command('login-code'))
  if (done.status !== 200) throw new Failure(done.status, done.reply)
  drawing.add({ from: MINI, to: WECHAT, text: 'stepLogin', line: `POST /${done.path}` })
  drawing.add({ from: WECHAT, to: MINI, isReply: true, text: 'stepCode', line: `${done.status} · ${done.ms} ms`, body: done.text })
  phone.code = done.reply.code
}

async function sendCode() {
  const done = await call('POST', 'login', { body: loginBody() })
  const error = await draw(done, 'stepRequest')
  if (error) return error
  phone.token = done.reply.data.token
  phone.user = done.reply.data.user.id
  drawing.add({ note: 'stepStored' })
}

async function logIn() {
  await wxLogin()
  return sendCode()
}

async function sameCode() {
  if (!phone.code) return missing('needsCode')
  return draw(await call('POST', 'login', { body: loginBody() }), 'stepRequest')
}

async function oldCode() {
  await wxLogin()
  const done = await call('POST', 'simulator/clock', { body: { advance_seconds: 300 } })
  drawing.add({ from: MINI, to: WECHAT, text: 'stepClock', line: line(done), body: JSON.stringify(done.body) })
  return draw(await call('POST', 'login', { body: loginBody() }), 'stepRequest')
}

function missing(text) {
  drawing.add({ note: text })
  return t(text)
}

// Sends a request with the token of the session.
const request = (method, path, body) => call(method, path, { body, token: phone.token })

// Draws what WeChat gives to the mini program, and returns it.
async function event(text, item, body) {
  const done = await call('POST', command(item), { body })
  if (done.status !== 200) throw new Failure(done.status, done.reply)
  drawing.add({ from: MINI, to: WECHAT, text, line: `POST /${done.path}`, body: body && JSON.stringify(body) })
  drawing.add({ from: WECHAT, to: MINI, isReply: true, text: 'stepReply', line: `${done.status} · ${done.ms} ms`, body: done.text })
  return done.reply
}

async function phoneNumber() {
  if (!phone.token) return missing('needsLogin')
  const { code } = await event('stepButton', 'phone-code')
  const done = await request('POST', 'user/phone', { code })
  phone.number = done.reply?.data?.phone_number ?? phone.number
  return draw(done, 'stepBusiness')
}

async function profile() {
  if (!phone.token) return missing('needsLogin')
  const done = await request('PUT', 'user', { nickname: name() })
  phone.nickname = done.reply?.data?.user?.nickname ?? phone.nickname
  return draw(done, 'stepBusiness')
}

async function decrypt() {
  if (!phone.token) return missing('needsLogin')
  // The clock of the simulator may be ahead of the server's, which would reject data from the future.
  const timestamp = Math.floor(Date.now() / 1000)
  const { encryptedData, iv, rawData, signature } = await event('stepEncrypted', 'encrypted-data', { kind: 'user_info', watermark: { timestamp } })
  return draw(await request('POST', 'user/decrypt', { encryptedData, iv, rawData, signature }), 'stepBusiness')
}

async function checkSession() {
  if (!phone.token) return missing('needsLogin')
  return draw(await request('GET', 'session/key'), 'checkSession')
}

async function logOut() {
  if (!phone.token) return missing('needsLogin')
  const error = await draw(await request('DELETE', 'session'), 'stepBusiness')
  if (!error) Object.assign(phone, { token: '', user: '', number: '', nickname: '' })
  return error
}
