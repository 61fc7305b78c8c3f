// Makes elements. Texts become text nodes, so no text is read as markup.
import { translate } from './language.js'

// element('button', { class: 'plain', text: 'save', onclick: save }, child, …)
// `text`, `label` and `hint` name a text of language.js; `args` fills its gaps. Other properties are attributes.
export function element(tag, { text, label, hint, args, ...attributes } = {}, ...children) {
  const node = document.createElement(tag)
  if (text) node.dataset.text = text
  if (label) node.dataset.label = label
  if (hint) node.dataset.hint = hint
  if (args) node.dataset.args = JSON.stringify(args)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
    else if (value === true) node.setAttribute(name, '')
    else if (value !== false && value != null) node.setAttribute(name, value)
  }
  translate(node)
  node.append(...children.filter((child) => child != null && child !== false))
  return node
}

// Replaces the content of an element.
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child != null && child !== false))
}

// Announces a text to screen readers.
export function announce(text) {
  document.getElementById('live').textContent = text
}

// A button that names the call of the API that it makes.
export function action(text, calls, onclick, options = {}) {
  const lines = calls.map((call) => element('code', {}, call))
  return element('button', { type: 'button', class: 'action', onclick, ...options }, element('span', { text }), ...lines)
}

// A field with its label.
export function field(text, input) {
  return element('label', { class: 'field' }, element('span', { text }), input)
}

export function select(options, value) {
  const node = element('select', {}, ...options.map(([id, text]) => element('option', { value: id, text }, text ? null : id)))
  if (value !== undefined) node.value = value
  return node
}
