// The users and their sessions, and the statistics.
import { admin, base, calls, pane, results, time } from './admin.js'
import { element, field, fill } from './element.js'

// The card with the users. Returns its node and the function that loads it.
export function usersCard({ apps }) {
  const fields = {
    id: element('input', { autocomplete: 'off' }),
    openid: element('input', { autocomplete: 'off' }),
    unionid: element('input', { autocomplete: 'off' }),
    phone_number: element('input', { autocomplete: 'off' }),
    nickname: element('input', { autocomplete: 'off' }),
    app: element('select', {}, element('option', { value: '', text: 'allApps' }), ...apps.map(({ name }) => element('option', { value: name }, name))),
    created_since: element('input', { type: 'date' }),
  }
  const blocked = element('input', { type: 'checkbox' })
  const list = results('users', (cursor) => load(cursor))

  async function find() {
    if (fields.id.value.trim()) {
      const found = admin('GET', `users/${encodeURIComponent(fields.id.value.trim())}`)
      return found.then(({ user }) => ({ users: [user] }), (error) => {
        if (error.status !== 404) throw error
        return { users: [] }
      })
    }
    const app = fields.app.value || undefined
    for (const name of ['openid', 'unionid', 'phone_number']) {
      if (fields[name].value.trim()) return admin('POST', 'users/find', { [name]: fields[name].value.trim(), app })
    }
    return null
  }

  const load = (cursor) => list.run(async () => {
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
    list.show(page.users.map((user) => row(user, list)), page.next, cursor)
  }, true)

  const search = (event) => {
    event.preventDefault()
    load()
  }
  const form = element('form', { class: 'search', onsubmit: search },
    field('userIdField', fields.id), field('openid', fields.openid), field('unionid', fields.unionid),
    field('phoneField', fields.phone_number), field('nickname', fields.nickname), field('app', fields.app),
    field('createdSince', fields.created_since),
    element('label', { class: 'check' }, blocked, element('span', { text: 'blockedOnly' })), element('button', { text: 'search' }))
  const node = element('section', { class: 'card wide' }, element('h2', { text: 'users' }), form, ...list.nodes,
    calls(`GET /${base}/users`, `POST /${base}/users/find`, `GET /${base}/users/{id}`))
  return { node, load: () => load() }
}

// A user, with the sessions when it is opened.
function row(user, { run, act }) {
  const details = element('div', { class: 'details' })
  const path = `users/${user.id}`
  const reason = element('input', { label: 'reason', hint: 'reason', maxlength: 200 })
  const block = () => act('block', 'POST', `${path}/block`, { body: () => (reason.value ? { reason: reason.value } : {}) })
  const show = async () => {
    const { sessions, identities } = await admin('GET', path)
    fill(details,
      element('div', { class: 'bar' },
        ...(user.block ? [act('unblock', 'POST', `${path}/unblock`)] : [reason, block()]),
        act('endAll', 'DELETE', `${path}/sessions`), act('deleteUser', 'DELETE', path, { confirms: true })),
      identities.length > 1 && element('p', { class: 'muted', text: 'usesApps', args: { apps: identities.map(({ app }) => app ?? '').join(', ') } }),
      sessions.length ? sessionTable(sessions, path, act) : element('p', { class: 'muted', text: 'noSessions' }),
      calls(...['block', 'unblock'].map((item) => `POST /${base}/users/{id}/${item}`),
        ...['/sessions', '/sessions/{session}', ''].map((item) => `DELETE /${base}/users/{id}${item}`)))
  }
  const summary = element('summary', {},
    element('span', { class: 'muted' }, time(user.created_at)),
    element('span', { class: 'name' }, user.nickname ? `${user.nickname} ` : '', element('code', {}, user.id)),
    user.block ? element('span', { class: 'bad', text: 'isBlocked', args: { reason: user.block.reason ?? '' } }) : element('span', { class: 'good', text: 'isActive' }),
    element('code', { class: 'muted' }, user.app ?? ''))
  const node = element('details', {}, summary, details)
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
    calls(`GET /${base}/statistics`))
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
export const usersPane = (state) => pane(usersCard(state))

export const statisticsPane = () => pane(statisticsCard())
