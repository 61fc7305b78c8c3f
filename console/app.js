// Starts the page: the language, the colours, the panes, and the connection.
import { setMode } from './admin.js'
import { data, Failure, setKey, takeKey } from './call.js'
import { conflictsPane } from './conflicts.js'
import { diagnosisPane } from './diagnosis.js'
import { announce, element, field, fill } from './element.js'
import { connect, on } from './events.js'
import { isChinese, onLanguage, startLanguage, switchLanguage, t, translate } from './language.js'
import { logPane } from './log.js'
import { phonePane } from './phone.js'
import { statePane } from './state.js'
import { statisticsPane, usersPane } from './users.js'

const PANES = [['phone', phonePane], ['log', logPane], ['state', statePane], ['diagnosis', diagnosisPane]]

// Without the phone and the simulator: for operators, on the admin port.
const ADMIN_PANES = [['users', usersPane], ['conflicts', conflictsPane], ['rejections', logPane], ['statistics', statisticsPane]]

const THEME = 'weapp-login console theme'

const main = document.getElementById('main')
const tabs = document.querySelector('[role=tablist]')
const connection = document.getElementById('connection')

function startTheme() {
  const root = document.documentElement
  const stored = localStorage.getItem(THEME)
  if (stored) root.dataset.theme = stored
  document.getElementById('theme').addEventListener('click', () => {
    const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
    root.dataset.theme = isDark ? 'light' : 'dark'
    localStorage.setItem(THEME, root.dataset.theme)
  })
}

function showConnection(state) {
  const before = connection.dataset.text
  connection.dataset.text = state
  connection.className = `pill ${state === 'connected' ? 'good' : 'bad'}`
  translate(connection)
  if (state === 'connected' && before === 'lost') announce(t('again'))
}

function showKeyForm(isAdmin) {
  const key = element('input', { type: 'password', required: true, autocomplete: 'off' })
  const submit = (event) => {
    event.preventDefault()
    setKey(key.value.trim())
    location.reload()
  }
  fill(main, element('section', { class: 'card' }, element('h2', { text: isAdmin ? 'adminKeyTitle' : 'keyTitle' }), element('p', { text: isAdmin ? 'adminKeyHelp' : 'keyHelp' }),
    element('form', { class: 'bar', onsubmit: submit }, field('keyField', key), element('button', { text: 'open' }))))
}

// The tabs of the panes, with the keys of the pattern: arrows, Home and End.
function showPanes(state) {
  const panes = state.mode === 'admin' ? ADMIN_PANES : PANES
  document.getElementById('docs').hidden = state.mode === 'admin'
  const panels = panes.map(([id, make]) =>
    element('div', { id: `pane-${id}`, role: 'tabpanel', 'aria-labelledby': `tab-${id}` }, make(state)))
  const buttons = panes.map(([id]) =>
    element('button', { id: `tab-${id}`, type: 'button', role: 'tab', 'aria-controls': `pane-${id}`, text: id, onclick: () => choose(id) }))
  fill(tabs, ...buttons)
  fill(main, ...panels)
  const choose = (id) => {
    history.replaceState(null, '', `#${id}`)
    show(id)
  }
  const show = (id) => panes.forEach(([other], index) => {
    const isChosen = other === id
    buttons[index].setAttribute('aria-selected', isChosen)
    buttons[index].tabIndex = isChosen ? 0 : -1
    panels[index].hidden = !isChosen
    if (isChosen) panels[index].firstElementChild.dispatchEvent(new Event('show'))
  })
  tabs.addEventListener('keydown', (event) => {
    const index = buttons.indexOf(document.activeElement)
    const last = buttons.length - 1
    const next = { ArrowRight: index === last ? 0 : index + 1, ArrowLeft: index === 0 ? last : index - 1, Home: 0, End: last }[event.key]
    if (index < 0 || next === undefined) return
    event.preventDefault()
    choose(panes[next][0])
    buttons[next].focus()
  })
  const wanted = location.hash.slice(1)
  show(panes.some(([id]) => id === wanted) ? wanted : panes[0][0])
}

async function start() {
  takeKey()
  startLanguage()
  startTheme()
  const language = document.getElementById('language')
  const nameOther = () => { language.textContent = isChinese() ? 'English' : '中文' }
  language.addEventListener('click', switchLanguage)
  onLanguage(nameOther)
  nameOther()
  showConnection('connecting')
  try {
    const state = await data('state')
    document.getElementById('version').textContent = state.version
    setMode(state.mode)
    showPanes(state)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const needsKey = [401, 403, 429].includes(error.status)
    showConnection(needsKey ? 'key' : 'gone')
    if (needsKey) showKeyForm(error.status !== 403)
    return
  }
  on('state', showConnection)
  connect()
}

start()
