// The calls of the admin API, and the parts of the cards that show it: in development for all, in production for operators.
import { keyHeader, succeed } from './call.js'
import { element, fill } from './element.js'
import { on } from './events.js'
import { onLanguage, t } from './language.js'
import { outcome } from './outcome.js'

// The first part of the paths: in development the console's, for operators the admin API's.
export let base = 'console'

export function setMode(mode) {
  base = mode === 'admin' ? 'admin' : 'console'
}

export const admin = async (method, path, body) => (await succeed(method, `${base}/${path}`, { body, headers: keyHeader() })).data

export const time = (text) => new Date(text).toLocaleString(document.documentElement.lang)

// A list with pages, and the outcome of the last call. `load(cursor)` loads a page.
export function results(label, load) {
  const list = element('ul', { class: 'rows', label })
  const more = element('button', { type: 'button', class: 'hidden', text: 'more', onclick: () => load(more.dataset.cursor) })
  const { line, run } = outcome()

  // Shows a page of rows, below the pages before it.
  function show(rows, next, cursor) {
    if (cursor) list.append(...rows)
    else fill(list, ...rows, !rows.length && element('li', { class: 'muted', text: 'none' }))
    more.classList.toggle('hidden', !next)
    more.dataset.cursor = next ?? ''
  }

  // Returns a button that makes a change, and loads the list again.
  const act = (text, method, path, { body, confirms = false } = {}) => element('button', {
    type: 'button', title: `${method} /${base}/${path}`,
    text, onclick: () => (!confirms || confirm(t('sure', { action: t(text) }))) && run(async () => {
      await admin(method, path, body?.())
      await load()
    }),
  })
  return { nodes: [list, more, line], run, show, act }
}

// The names of the calls that a card makes.
export const calls = (...names) => element('p', { class: 'calls' }, ...names.map((name) => element('code', {}, name)))

// Loads a card now, with each connection, and in each language.
export function pane({ node, load }) {
  const reload = () => load().catch(() => {})
  on('state', (state) => state === 'connected' && reload())
  onLanguage(reload)
  return element('div', { class: 'grid', onshow: reload }, node)
}
