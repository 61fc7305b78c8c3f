// The users and their sessions, and the statistics: in development for all, in production for operators.
import { Failure, keyHeader, succeed } from './call.js'
import { announce, element, field, fill } from './element.js'
import { on } from './events.js'
import { onLanguage, t } from './language.js'

// The paths of the users: in development below the console, for operators the admin API.
let base = 'console'

const admin = async (method, path, body) => (await succeed(method, `${base}/${path}`, { body, headers: keyHeader() })).data

const time = (text) => new Date(text).toLocaleString(document.documentElement.lang)

// The card with the users. Returns its node and the function that loads it.
export function usersCard({ apps, mode }) {
  base = mode === 'admin' ? 'admin' : 'console'
  const fields = {
    id: element('input', { autocomplete: 'off' }),
    openid: element('input', { autocomplete: 'off' }),
    nickname: element('input', { autocomplete: 'off' }),
    app: element('select', {}, element('option', { value: '', text: 'allApps' }), ...apps.map(({ name }) => element('option', { value: name }, name))),
    created_since: element('input', { type: 'date' }),
  }
  const blocked = element('input', { type: 'checkbox' })
  const list = element('ul', { class: 'rows', label: 'users' })
  const more = element('button', { type: 'button', class: 'hidden', text: 'more', onclick: () => load(more.dataset.cursor) })
  const outcome = element('p', { role: 'status', class: 'outcome' })

  // Runs a change or a search, and shows its outcome.
  async function run(work, quiet = false) {
    try {
      await work()
      outcome.className = 'outcome good'
      outcome.textContent = quiet ? '' : t('done')
    } catch (error) {
      outcome.className = 'outcome bad'
      outcome.textContent = error instanceof Failure ? error.message : t('unreachable')
    }
    if (outcome.textContent) announce(outcome.textContent)
  }

  async function find() {
    if (fields.id.value.trim()) {
      const found = admin('GET', `users/${encodeURIComponent(fields.id.value.trim())}`)
      return found.then(({ user }) => ({ users: [user] }), (error) => {
        if (error.status !== 404) throw error
        return { users: [] }
      })
    }
    const app = fields.app.value || undefined
    if (fields.openid.value.trim()) {
      return admin('POST', 'users/find', { openid: fields.openid.value.trim(), app })
    }
    return null
  }

  const load = (cursor) => run(async () => {
    let page = await find()
    if (!page) {
      const query = new URLSearchParams({ limit: 20 })
      if (fields.nickname.value) query.set('nickname', fields.nickname.value)
      if (fields.app.value) query.set('app', fields.app.value)
      if (fields.created_since.value) query.set('created_since', `${fields.created_since.value}T00:00:00Z`)
      if (blocked.checked) query.set('blocked', 'true')
      if (cursor) query.set('cursor', cursor)
      page = await admin('GET', `users?${query}`)
    }
    const rows = page.users.map((user) => row(user, run, load))
    if (cursor) list.append(...rows)
    else fill(list, ...rows, !rows.length && element('li', { class: 'muted', text: 'none' }))
    more.classList.toggle('hidden', !page.next)
    more.dataset.cursor = page.next ?? ''
  }, true)

  const search = (event) => {
    event.preventDefault()
    load()
  }
  const form = element('form', { class: 'search', onsubmit: search },
    field('userIdField', fields.id), field('openid', fields.openid), field('nickname', fields.nickname), field('app', fields.app),
    field('createdSince', fields.created_since),
    element('label', { class: 'check' }, blocked, element('span', { text: 'blockedOnly' })), element('button', { text: 'search' }))
  const calls = [`GET /${base}/users`, `POST /${base}/users/find`, `GET /${base}/users/{id}`]
  const node = element('section', { class: 'card wide' }, element('h2', { text: 'users' }), form, list, more, outcome,
    element('p', { class: 'calls' }, ...calls.map((name) => element('code', {}, name))))
  return { node, load: () => load() }
}

// A user, with the sessions when it is opened.
function row(user, run, reload) {
  const sessions = element('div', { class: 'details' })
  const path = `users/${user.id}`
  const act = (text, method, item, body, confirmed = true) => element('button', {
    type: 'button', title: `${method} /${base}/${item}`,
    text, onclick: () => (confirmed || confirm(t('sure', { action: t(text) }))) && run(async () => {
      await admin(method, item, body?.())
      await reload()
    }),
  })
  const reason = element('input', { label: 'reason', hint: 'reason', maxlength: 200 })
  const show = async () => {
    const found = await admin('GET', path)
    fill(sessions,
      element('div', { class: 'bar' },
        ...(user.block ? [act('unblock', 'POST', `${path}/unblock`)] : [reason, act('block', 'POST', `${path}/block`, () => (reason.value ? { reason: reason.value } : {}))]),
        act('endAll', 'DELETE', `${path}/sessions`), act('deleteUser', 'DELETE', path, undefined, false)),
      found.sessions.length ? sessionTable(found.sessions, path, act) : element('p', { class: 'muted', text: 'noSessions' }),
      element('p', { class: 'calls' }, ...['block', 'unblock', 'sessions', 'sessions/{session}'].map((item) =>
        element('code', {}, `${item.startsWith('s') ? 'DELETE' : 'POST'} /${base}/users/{id}/${item}`)), element('code', {}, `DELETE /${base}/users/{id}`)))
  }
  const summary = element('summary', {},
    element('span', { class: 'muted' }, time(user.created_at)),
    element('span', { class: 'name' }, user.nickname ? `${user.nickname} ` : '', element('code', {}, user.id)),
    user.block ? element('span', { class: 'bad', text: 'isBlocked', args: { reason: user.block.reason ?? '' } }) : element('span', { class: 'good', text: 'isActive' }),
    element('code', { class: 'muted' }, user.app ?? ''))
  const node = element('details', {}, summary, sessions)
  node.addEventListener('toggle', () => node.open && run(show, true))
  return element('li', { class: 'entry user' }, node)
}

function sessionTable(sessions, path, act) {
  const rows = sessions.map((session) => element('tr', {},
    element('td', {}, session.device), element('td', {}, time(session.created_at)), element('td', {}, time(session.last_seen)), element('td', {}, time(session.ends_at)),
    element('td', {}, act('endSession', 'DELETE', `${path}/sessions/${session.id}`))))
  return element('div', { class: 'scroll', tabindex: '0', label: 'sessions' }, element('table', {},
    element('thead', {}, element('tr', {}, ...['device', 'loginAt', 'lastSeen', 'endsAt', 'endSession'].map((text) => element('th', { scope: 'col', text })))),
    element('tbody', {}, ...rows)))
}

// The card with the numbers of users, sessions and logins.
export function statisticsCard() {
  const numbers = element('dl')
  const days = element('tbody')
  const node = element('section', { class: 'card' }, element('h2', { text: 'statistics' }), numbers,
    element('h3', { text: 'loginsPerDay' }), element('div', { class: 'scroll tall', tabindex: '0', label: 'loginsPerDay' }, element('table', {},
      element('thead', {}, element('tr', {}, ...['dayColumn', 'logins', 'share'].map((text) => element('th', { scope: 'col', text })))), days)),
    element('p', { class: 'calls' }, element('code', {}, `GET /${base}/statistics`)))
  const load = async () => {
    const data = await admin('GET', 'statistics')
    const rows = [['users', data.users], ['blockedUsers', data.blocked_users], ['liveSessions', data.sessions]]
    fill(numbers, ...rows.flatMap(([text, number]) => [element('dt', { text }), element('dd', {}, number.toLocaleString())]))
    const most = Math.max(1, ...data.logins_per_day.map(({ logins }) => logins))
    fill(days, ...data.logins_per_day.toReversed().map(({ day, logins }) => element('tr', {}, element('th', { scope: 'row' }, day),
      element('td', {}, `${logins}`), element('td', {}, element('progress', { max: most, value: logins, 'aria-label': `${day}: ${logins}` })))))
  }
  return { node, load }
}

// The panes for operators.
export function usersPane(state) {
  return pane(usersCard(state))
}

export function statisticsPane() {
  return pane(statisticsCard())
}

// Loads a card now, with each connection, and in each language.
function pane({ node, load }) {
  const reload = () => load().catch(() => {})
  on('state', (state) => state === 'connected' && reload())
  onLanguage(reload)
  return element('div', { class: 'grid', onshow: reload }, node)
}
