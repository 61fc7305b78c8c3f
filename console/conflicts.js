// The conflicts between users who are probably one person, and the decisions about them.
import { admin, base, calls, pane, results, time } from './admin.js'
import { element, fill } from './element.js'

// The card with the conflicts. Returns its node and the function that loads it.
export function conflictsCard() {
  const open = element('input', { type: 'checkbox', checked: true, onchange: () => load() })
  const list = results('conflicts', (cursor) => load(cursor))
  const load = (cursor) => list.run(async () => {
    const query = new URLSearchParams({ limit: 20, open: open.checked })
    if (cursor) query.set('cursor', cursor)
    const { conflicts, next } = await admin('GET', `conflicts?${query}`)
    list.show(conflicts.map((conflict) => row(conflict, list)), next, cursor)
  }, true)
  const node = element('section', { class: 'card wide' }, element('h2', { text: 'conflicts' }),
    element('p', { class: 'muted', text: 'conflictsHelp' }),
    element('label', { class: 'check' }, open, element('span', { text: 'openOnly' })), ...list.nodes,
    calls(`GET /${base}/conflicts`, `POST /${base}/conflicts/{kept}/{other}`))
  return { node, load: () => load() }
}

// A conflict, with its two users when it is opened.
function row({ kept, other, found_at, decision }, { run, act }) {
  const details = element('div', { class: 'details' })
  const decide = (text, decision, [first, second] = [kept, other]) =>
    act(text, 'POST', `conflicts/${first}/${second}`, { body: () => ({ decision }), confirms: decision === 'merge' })
  const show = async () => {
    // After a merge both are one user.
    const ids = decision === 'merged' ? [kept] : [kept, other]
    const users = await Promise.all(ids.map((id) => admin('GET', `users/${id}`)))
    const rows = users.map(({ user, identities, sessions }) => element('tr', {},
      element('td', {}, user.nickname ?? '', ' ', element('code', {}, user.id)), element('td', {}, time(user.created_at)),
      element('td', {}, identities.map(({ app }) => app ?? '').join(', ')), element('td', {}, `${sessions.length}`),
      element('td', {}, !decision && decide('mergeInto', 'merge', user.id === kept ? [kept, other] : [other, kept]))))
    const columns = ['userColumn', 'createdAt', 'apps', 'sessions', ...(decision ? [] : ['mergeInto'])]
    fill(details,
      element('div', { class: 'scroll', tabindex: '0', label: 'users' }, element('table', {},
        element('thead', {}, element('tr', {}, ...columns.map((text) => element('th', { scope: 'col', text })))),
        element('tbody', {}, ...rows))),
      element('div', { class: 'bar' }, decision ? decide('reopen', 'reopen') : decide('keepApart', 'apart')))
  }
  const summary = element('summary', {},
    element('span', { class: 'muted' }, time(found_at)),
    element('span', { class: 'name' }, element('code', {}, kept), ' ', element('code', {}, other)),
    element('span', { class: decision ? 'good' : 'bad', text: decision ?? 'undecided' }))
  const node = element('details', {}, summary, details)
  node.addEventListener('toggle', () => node.open && run(show, true))
  return element('li', { class: 'entry user' }, node)
}

// The pane for operators.
export const conflictsPane = () => pane(conflictsCard())
