// The state: the people, the clock and the rules of the simulated WeChat. Each form names the call that it makes.
import { calls as names } from './admin.js'
import { succeed } from './call.js'
import { conflictsCard } from './conflicts.js'
import { element, field, fill, select } from './element.js'
import { on } from './events.js'
import { onLanguage, t } from './language.js'
import { outcome } from './outcome.js'
import { statisticsCard, usersCard } from './users.js'

const ENDPOINTS = ['/sns/jscode2session', '/cgi-bin/stable_token', '/wxa/business/getuserphonenumber', '/wxa/checksession', '/wxa/resetusersessionkey']
const FAULTS = ['errcode', 'delay', 'silence', 'reset_before', 'reset_after', 'truncate', 'bad_gateway', 'invalidate_access_tokens', 'ip_not_allowed']

export function statePane(facts) {
  const simulator = facts.simulated ? [peopleCard(), clockCard(), rotationCard(), faultsCard(), limitsCard()] : []
  const conflicts = facts.shares_users ? [conflictsCard()] : []
  const cards = [usersCard(facts), ...conflicts, ...simulator, statisticsCard()]
  const reload = () => cards.forEach((card) => card.load().catch(() => {}))
  on('state', (state) => state === 'connected' && reload())
  onLanguage(reload)
  return element('div', { class: 'grid', onshow: reload }, ...cards.map((card) => card.node),
    facts.simulated ? transferCard(reload) : element('section', { class: 'card' }, element('p', { text: 'notSimulated' })))
}

// A card with a title, the calls that it makes, and a line with the outcome.
function card(title, calls, ...content) {
  const { line, run } = outcome()
  const node = element('section', { class: 'card' }, element('h2', { text: title }), ...content, line, names(...calls))
  // Makes a handler of events that makes a change.
  const change = (work) => (event) => {
    event?.preventDefault()
    return run(() => work(event))
  }
  return { node, run: change }
}

const number = (attributes) => element('input', { type: 'number', min: 0, ...attributes })

const valueOf = (input) => (input.value === '' ? undefined : input.valueAsNumber)

function peopleCard() {
  const rows = element('tbody')
  const fresh = element('input', { required: true, autocomplete: 'off' })
  const table = element('table', {}, element('thead', {}, element('tr', {},
    ...['name', 'nickname', 'phoneField', 'blocked', 'save'].map((text) => element('th', { scope: 'col', text })))), rows)
  const form = element('form', { class: 'bar' }, field('name', fresh), element('button', { text: 'save' }))
  const { node, run } = card('people', ['GET /simulator/users', 'GET /simulator/users/{name}', 'PUT /simulator/users/{name}'],
    element('p', { class: 'muted', text: 'peopleHelp' }), element('div', { class: 'scroll', tabindex: '0', label: 'people' }, table), form)
  node.classList.add('wide')
  const put = (name, body) => succeed('PUT', `simulator/users/${encodeURIComponent(name)}`, { body })
  const load = async () => {
    const { users } = await succeed('GET', 'simulator/users')
    fill(rows, ...await Promise.all(users.map(async (name) => row(await succeed('GET', `simulator/users/${encodeURIComponent(name)}`)))))
  }
  const row = (person) => {
    const nickname = element('input', { value: person.nickname, label: 'nickname' })
    const phone = element('input', { value: person.phone_number, label: 'phoneField' })
    const blocked = element('input', { type: 'checkbox', label: 'blocked' })
    blocked.checked = person.blocked
    const save = run(() => put(person.name, { nickname: nickname.value, phone_number: phone.value, blocked: blocked.checked }))
    return element('tr', {}, element('th', { scope: 'row' }, person.name),
      ...[nickname, phone, blocked, element('button', { type: 'button', text: 'save', onclick: save })].map((cell) => element('td', {}, cell)))
  }
  form.addEventListener('submit', run(async () => {
    await put(fresh.value, {})
    fresh.value = ''
    await load()
  }))
  return { node, load }
}

function clockCard() {
  const now = element('strong')
  const { node, run } = card('clock', ['GET /simulator/clock', 'POST /simulator/clock'],
    element('p', { class: 'muted', text: 'clockHelp' }), element('p', {}, now), element('div', { class: 'bar' }))
  const show = (clock) => { now.textContent = new Date(clock.now * 1000).toLocaleString(document.documentElement.lang) }
  const load = async () => show(await succeed('GET', 'simulator/clock'))
  const buttons = [['minutes5', 300], ['hours2', 7200], ['day', 86400]].map(([text, seconds]) => element('button', {
    type: 'button', text, onclick: run(async () => show(await succeed('POST', 'simulator/clock', { body: { advance_seconds: seconds } }))),
  }))
  node.querySelector('.bar').append(...buttons)
  return { node, load }
}

function rotationCard() {
  const at = select([['issue', 'issue'], ['exchange', 'exchange']])
  const [percent, lifetime] = [number({ max: 100 }), number({})]
  const form = element('form', {}, element('div', { class: 'fields' }, field('rotateAt', at), field('percent', percent), field('lifetime', lifetime)),
    element('button', { text: 'save' }))
  const { node, run } = card('rotation', ['GET /simulator/session-keys', 'PUT /simulator/session-keys'], form)
  const load = async () => {
    const policy = await succeed('GET', 'simulator/session-keys')
    at.value = policy.rotate_at
    percent.value = policy.rotation_percent
    lifetime.value = policy.lifetime_seconds
  }
  form.addEventListener('submit', run(() => succeed('PUT', 'simulator/session-keys', {
    body: { rotate_at: at.value, rotation_percent: valueOf(percent), lifetime_seconds: valueOf(lifetime) },
  })))
  return { node, load }
}

const plain = (names) => names.map((name) => [name])

function faultsCard() {
  const endpoint = select(plain(ENDPOINTS))
  const kind = select(plain(FAULTS))
  const [errcode, delay, times] = [element('input', { type: 'number', value: '-1' }), number({ value: '2000' }), number({ value: '1', min: 1, max: 1000 })]
  const [errcodeField, delayField] = [field('errcode', errcode), field('milliseconds', delay)]
  const list = element('ul')
  const form = element('form', {},
    element('div', { class: 'fields' }, field('endpoint', endpoint), field('kind', kind), errcodeField, delayField, field('times', times)),
    element('div', { class: 'bar' }, element('button', { text: 'inject' }), element('button', { type: 'button', text: 'remove' })))
  const { node, run } = card('faults', ['GET /simulator/faults', 'POST /simulator/faults', 'DELETE /simulator/faults'],
    element('p', { class: 'muted', text: 'faultsHelp' }), form, list)
  const showFields = () => {
    errcodeField.hidden = kind.value !== 'errcode'
    delayField.hidden = kind.value !== 'delay'
  }
  kind.addEventListener('change', showFields)
  showFields()
  const load = async () => {
    const { faults } = await succeed('GET', 'simulator/faults')
    fill(list, ...faults.map(({ endpoint, next, queued, always }) => element('li', { text: 'faultRow', args: { endpoint, next: next ?? '–', queued, always: always ?? '–' } })),
      !faults.length && element('li', { class: 'muted', text: 'none' }))
  }
  form.addEventListener('submit', run(async () => {
    const fault = { kind: kind.value, ...(kind.value === 'errcode' && { errcode: valueOf(errcode) }), ...(kind.value === 'delay' && { milliseconds: valueOf(delay) }) }
    await succeed('POST', 'simulator/faults', { body: { endpoint: endpoint.value, fault, times: valueOf(times) } })
    await load()
  }))
  form.querySelector('[type=button]').addEventListener('click', run(async () => {
    await succeed('DELETE', 'simulator/faults')
    await load()
  }))
  return { node, load }
}

function limitsCard() {
  const endpoint = select(plain(ENDPOINTS))
  const [minute, day] = [number({}), number({})]
  const list = element('ul')
  const form = element('form', {},
    element('div', { class: 'fields' }, field('endpoint', endpoint), field('perMinute', minute), field('perDay', day)),
    element('div', { class: 'bar' }, element('button', { text: 'setLimits' }), element('button', { type: 'button', text: 'remove' })))
  const { node, run } = card('limits', ['GET /simulator/limits', 'PUT /simulator/limits', 'DELETE /simulator/limits'], form, list)
  const load = async () => {
    const { limits } = await succeed('GET', 'simulator/limits')
    const shown = (limit) => limit ?? t('unlimited')
    fill(list, ...limits.map(({ endpoint, per_minute, per_day }) => element('li', { text: 'limitRow', args: { endpoint, minute: shown(per_minute), day: shown(per_day) } })),
      !limits.length && element('li', { class: 'muted', text: 'none' }))
  }
  form.addEventListener('submit', run(async () => {
    await succeed('PUT', 'simulator/limits', { body: { endpoint: endpoint.value, per_minute: valueOf(minute), per_day: valueOf(day) } })
    await load()
  }))
  form.querySelector('[type=button]').addEventListener('click', run(async () => {
    await succeed('DELETE', 'simulator/limits')
    await load()
  }))
  return { node, load }
}

function transferCard(reload) {
  const file = element('input', { type: 'file', accept: 'application/json,.json' })
  const bar = element('div', { class: 'bar' })
  const { node, run } = card('transfer', ['GET /simulator/state', 'PUT /simulator/state', 'POST /simulator/reset'], bar)
  const save = run(async () => {
    const state = await succeed('GET', 'simulator/state')
    const address = URL.createObjectURL(new Blob([JSON.stringify(state, null, 2)], { type: 'application/json' }))
    const link = element('a', { href: address, download: 'wechat-state.json' })
    link.click()
    URL.revokeObjectURL(address)
  })
  const load = run(async () => {
    const text = await file.files[0].text()
    await succeed('PUT', 'simulator/state', { body: JSON.parse(text) })
    file.value = ''
    reload()
  })
  file.addEventListener('change', () => file.files.length && load())
  const reset = run(async () => {
    await succeed('POST', 'simulator/reset')
    reload()
  })
  bar.append(element('button', { type: 'button', text: 'export', onclick: save }), field('importFile', file),
    element('button', { type: 'button', text: 'reset', onclick: reset }))
  return node
}
