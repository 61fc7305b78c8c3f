// The sequence diagram of WeChat's login page: three lanes, and the real exchanges under its arrows.
import { element, fill } from './element.js'

const LANES = [['mini', 'laneMini'], ['server', 'laneServer'], ['wechat', 'laneWechat']]

export function diagram() {
  const head = element('div', { class: 'lanes', 'aria-hidden': 'true' },
    ...LANES.map(([id, text]) => element('span', { class: `lane ${id}`, text })))
  const steps = element('ol', { class: 'steps', label: 'sequence' })
  const node = element('div', { class: 'diagram' }, head, steps)
  const clear = () => fill(steps, element('li', { class: 'note muted', text: 'sequenceEmpty' }))
  clear()
  return { node, start: () => fill(steps), clear, add: (step) => steps.append(arrow(step)) }
}

// { from, to, text, line, body, isReply, failed }: lanes by number; `line` is the request or the status, `body` a text.
function arrow({ from, to, text, args, line, body, isReply, failed, note }) {
  if (note) return element('li', { class: 'note' }, element('span', { text: note, args }))
  const [left, right] = [Math.min(from, to), Math.max(from, to)]
  const shape = ['step', `span-${left}${right}`, from < to ? 'rightwards' : 'leftwards', isReply && 'dashed', failed && 'failed']
  return element('li', { class: shape.filter(Boolean).join(' ') },
    element('span', { class: 'caption', text, args }),
    element('span', { class: 'arrow', 'aria-hidden': 'true' }),
    line && element('div', { class: 'exchange' },
      element('code', { class: 'line' }, line),
      body && element('pre', { tabindex: '0', label: 'body' }, pretty(body))))
}

// Indents a JSON text that does not fit on a line. Another text stays as it is.
export function pretty(text) {
  let value
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  const short = JSON.stringify(value)
  return short.length <= 60 ? short : JSON.stringify(value, null, 2)
}
