// The diagnosis: the last rejected request, the AppIDs, the settings, and the table of error numbers.
import { calls } from './admin.js'
import { data } from './call.js'
import { element, field, fill } from './element.js'
import { on } from './events.js'

let rejection, comparison, state

export function diagnosisPane(facts) {
  state = facts
  rejection = element('div', { role: 'status' }, element('p', { class: 'muted', text: 'noRejection' }))
  comparison = element('p', { class: 'muted', text: 'appIdNone', args: { appid: '{appid}' } })
  on('event', (kind, event) => {
    if (kind !== 'request') return
    if (event.status >= 400 && event.cause) showRejection(event)
    if (event.referer_app_id) compare(event.referer_app_id)
  })
  return element('div', { class: 'grid' },
    element('section', { class: 'card wide' }, element('h2', { text: 'lastRejection' }), rejection, calls('GET /console/errcodes/{errcode}')),
    element('section', { class: 'card' }, element('h2', { text: 'appIds' }),
      element('h3', { text: 'appIdConfigured' }),
      element('ul', {}, ...state.apps.map(({ name, app_id }) => element('li', {}, `${name}: `, element('code', {}, app_id)))),
      element('h3', { text: 'appIdReferer' }), comparison, calls('GET /console/state')),
    explainCard(), settingsCard())
}

async function showRejection(event) {
  const row = event.errcode && await data(`errcodes/${event.errcode}`).catch(() => null)
  fill(rejection,
    element('p', {}, element('strong', { class: 'bad' }, `${event.status} ${event.error ?? ''} `),
      element('code', {}, `${event.method} ${event.path}`), ' ', element('code', { class: 'muted' }, event.request_id)),
    element('pre', { tabindex: '0', label: 'cause' }, event.cause),
    row && description(row))
}

function compare(appId) {
  const known = state.apps.some(({ app_id }) => app_id === appId)
  const text = known ? 'appIdSame' : state.simulated ? 'appIdSimulated' : 'appIdOther'
  const line = element('p', {}, element('code', {}, appId))
  const verdict = element('p', { class: known ? 'good' : state.simulated ? 'muted' : 'bad', text })
  const node = element('div', {}, line, verdict)
  comparison.replaceWith(node)
  comparison = node
}

const description = (row) => element('dl', {},
  element('dt', { text: 'errcode' }), element('dd', {}, `${row.errcode} ${row.errmsg}`),
  element('dt', { text: 'meaning' }), element('dd', {}, row.meaning),
  element('dt', { text: 'advice' }), element('dd', {}, row.advice))

function explainCard() {
  const number = element('input', { type: 'number', value: '40029', required: true })
  const result = element('div', { role: 'status' })
  const lookUp = async (event) => {
    event.preventDefault()
    const row = await data(`errcodes/${number.valueAsNumber}`).catch(() => null)
    fill(result, row ? description(row) : element('p', { class: 'muted', text: 'unknownErrcode' }))
  }
  return element('section', { class: 'card' }, element('h2', { text: 'explain' }),
    element('form', { class: 'bar', onsubmit: lookUp }, field('errcode', number),
      element('button', { text: 'lookUp' }), element('code', { class: 'muted' }, 'GET /console/errcodes/{errcode}')), result)
}

function settingsCard() {
  const result = element('div', { role: 'status' })
  const check = async () => {
    const { accepted, text } = await data('settings')
    fill(result, element('p', { class: accepted ? 'good' : 'bad', text: accepted ? 'accepted' : 'rejected' }),
      element('pre', { tabindex: '0', label: 'settings', class: 'tall' }, text))
  }
  return element('section', { class: 'card wide' }, element('h2', { text: 'settings' }),
    element('div', { class: 'bar' }, element('button', { type: 'button', text: 'check', onclick: check }),
      element('code', { class: 'muted' }, 'GET /console/settings · weapp-login config check')), result)
}
