// The outcome of a change or a search, below the form or the list that makes it.
import { Failure } from './call.js'
import { announce, element } from './element.js'
import { t } from './language.js'

// Returns a line, and a function that runs a call and shows its outcome there. `quiet` shows failures only.
export function outcome() {
  const line = element('p', { role: 'status', class: 'outcome' })
  async function run(work, quiet = false) {
    try {
      await work()
      line.className = 'outcome good'
      line.textContent = quiet ? '' : t('done')
    } catch (error) {
      line.className = 'outcome bad'
      line.textContent = error instanceof Failure ? error.message : t('unreachable')
    }
    if (line.textContent) announce(line.textContent)
  }
  return { line, run }
}
