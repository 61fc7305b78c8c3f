// The log: requests to the server, each with its calls to WeChat.
import { calls } from './admin.js'
import { FORMATS, isMasked } from './copy.js'
import { pretty } from './diagram.js'
import { announce, element, fill } from './element.js'
import { on } from './events.js'
import { onLanguage, t } from './language.js'

const KEPT = 500

const entries = []
let arrived = []
let paused = false
let scheduled = false
let rows, filter, onlyErrors, count, missed, pauseButton, empty

export function logPane({ mode }) {
  const title = mode === 'admin' ? 'rejections' : 'logTitle'
  rows = element('ul', { class: 'rows', label: title })
  empty = element('p', { class: 'muted', text: 'logEmpty' })
  filter = element('input', { type: 'search', label: 'filter', hint: 'filter', oninput: applyFilter })
  onlyErrors = element('input', { type: 'checkbox', onchange: applyFilter })
  count = element('span', { class: 'muted' })
  missed = element('p', { class: 'warning hidden', role: 'status' })
  pauseButton = element('button', { type: 'button', text: 'pause', onclick: togglePause })
  on('event', receive)
  onLanguage(showCount)
  showCount()
  return element('section', { class: 'card' },
    element('h2', { text: title }),
    element('div', { class: 'bar' }, filter,
      element('label', { class: 'check' }, onlyErrors, element('span', { text: 'onlyErrors' })),
      pauseButton, element('button', { type: 'button', text: 'clear', onclick: clear }), count),
    missed, empty, rows, calls('GET /console/events'))
}

function receive(kind, event) {
  if (kind === 'missed') {
    missed.dataset.text = 'missed'
    missed.dataset.args = JSON.stringify({ count: event.count })
    missed.textContent = t('missed', { count: event.count })
    missed.classList.remove('hidden')
    return
  }
  arrived.push({ kind, ...event })
  if (arrived.length > KEPT) arrived = arrived.slice(-KEPT)
  if (paused) showPause()
  else schedule()
}

// Shows what has arrived with the next frame: many events are one change of the page.
function schedule() {
  if (scheduled) return
  scheduled = true
  requestAnimationFrame(() => {
    scheduled = false
    if (!paused) show()
  })
}

function show() {
  for (const entry of arrived) {
    entry.row = row(entry)
    entry.row.classList.toggle('hidden', !matches(entry))
    entries.push(entry)
    const request = entry.kind === 'call' && entries.findLast((other) => other.kind === 'request' && other.request_id === entry.request_id)
    if (request) request.row.after(entry.row)
    else rows.prepend(entry.row)
    // The calls of a request arrive before it, and stand below it.
    if (entry.kind === 'request') {
      const calls = entries.filter((other) => other.kind === 'call' && other.request_id && other.request_id === entry.request_id)
      calls.forEach((other) => entry.row.after(other.row))
    }
  }
  arrived = []
  for (const old of entries.splice(0, Math.max(0, entries.length - KEPT))) old.row.remove()
  showCount()
}

function showCount() {
  count.textContent = t('entries', { count: entries.length })
  empty.classList.toggle('hidden', entries.length > 0)
}

function showPause() {
  pauseButton.dataset.text = paused ? 'resume' : 'pause'
  pauseButton.dataset.args = JSON.stringify({ count: arrived.length })
  pauseButton.textContent = t(pauseButton.dataset.text, { count: arrived.length })
}

function togglePause() {
  paused = !paused
  pauseButton.setAttribute('aria-pressed', paused)
  if (!paused) show()
  showPause()
}

function clear() {
  entries.length = 0
  arrived = []
  fill(rows)
  missed.classList.add('hidden')
  showPause()
  showCount()
}

const isError = (entry) => entry.kind === 'call' ? entry.errcode !== 0 : entry.status >= 400

function matches(entry) {
  if (onlyErrors.checked && !isError(entry)) return false
  const wanted = filter.value.trim().toLowerCase()
  if (!wanted) return true
  const texts = [entry.method, entry.path, entry.url, entry.status, entry.error, entry.errcode, entry.request_id, entry.cause]
  return texts.join(' ').toLowerCase().includes(wanted)
}

function applyFilter() {
  for (const entry of entries) entry.row.classList.toggle('hidden', !matches(entry))
}

function row(entry) {
  const isCall = entry.kind === 'call'
  const path = isCall ? entry.endpoint : entry.path
  const name = `${entry.method ?? ''} ${path}`.trim()
  const status = isCall ? `errcode ${entry.errcode ?? '–'}` : entry.status
  const summary = element('summary', {},
    element('time', { class: 'muted' }, new Date(entry.at).toLocaleTimeString('en-GB')),
    element('span', { class: 'name' }, isCall && element('span', { class: 'joined', 'aria-hidden': 'true' }, '↳ '), name),
    element('span', { class: isError(entry) ? 'bad' : 'good' }, `${status}`),
    element('span', { class: 'muted' }, `${entry.ms} ms`),
    element('code', { class: 'muted' }, entry.request_id ?? ''))
  const node = element('details', {}, summary)
  // The details are made when they are opened, because most never are.
  node.addEventListener('toggle', () => node.open && node.children.length === 1 && node.append(details(entry)))
  return element('li', { class: isCall ? 'entry call' : 'entry' }, node)
}

function details(entry) {
  const block = (text, content) => content && [element('h3', { text }), element('pre', { tabindex: '0', label: text }, content)]
  const headers = (entry.headers ?? []).map(([name, value]) => `${name}: ${value}`).join('\n')
  const formats = Object.entries(FORMATS).filter(([name]) => entry.kind === 'request' || name === 'curl')
  const buttons = formats.map(([name, write]) =>
    element('button', { type: 'button', onclick: () => copy(name, write(entry)) }, name))
  return element('div', { class: 'details' },
    ...[
      block('request', entry.kind === 'call' && entry.url),
      block('headers', headers),
      block('body', entry.body && pretty(entry.body)),
      block('reply', entry.reply && pretty(entry.reply)),
      block('cause', entry.kind === 'call' ? entry.error : entry.cause),
    ].filter(Boolean).flat(),
    element('div', { class: 'bar' }, element('span', { text: 'copyAs' }), ...buttons))
}

async function copy(format, text) {
  await navigator.clipboard.writeText(text)
  announce(t(isMasked(text) ? 'copiedMasked' : 'copied', { format }))
}
