// Reads the events of the server, and connects again when the connection breaks.
import { keyHeader, url } from './call.js'

const KEPT = 500
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 8000

const listeners = { event: new Set(), state: new Set() }
const requests = new Map()
const calls = new Map()
const waiting = new Map()
let last = ''

// on('event', (kind, data) => …), on('state', (state) => …): connected, lost, key or gone.
export const on = (name, listener) => listeners[name].add(listener)

const notify = (name, ...args) => listeners[name].forEach((listener) => listener(...args))

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))

export async function connect() {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    let state = 'lost'
    try {
      const headers = { ...keyHeader(), ...(last && { 'last-event-id': last }) }
      const response = await fetch(url('console/events'), { headers, cache: 'no-store' })
      if (response.ok) {
        pause = FIRST_PAUSE
        notify('state', 'connected')
        await read(response.body.pipeThrough(new TextDecoderStream()).getReader())
      } else if ([401, 403].includes(response.status)) state = 'key'
      else if (response.status === 404) state = 'gone'
    } catch {
      // The server is not there. It is tried again.
    }
    notify('state', state)
    await sleep(pause)
  }
}

async function read(reader) {
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += value
    const blocks = text.split('\n\n')
    text = blocks.pop()
    blocks.forEach(receive)
  }
}

function receive(block) {
  let kind = '', data = ''
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) last = line.slice(4)
    else if (line.startsWith('event: ')) kind = line.slice(7)
    else if (line.startsWith('data: ')) data = line.slice(6)
  }
  if (!kind) return
  const event = JSON.parse(data)
  if (kind === 'call' && event.request_id) {
    calls.set(event.request_id, [...(calls.get(event.request_id) ?? []), event])
  }
  if (kind === 'request') requests.set(event.request_id, event)
  for (const kept of [calls, requests]) if (kept.size > KEPT) kept.delete(kept.keys().next().value)
  notify('event', kind, event)
  if (kind === 'request') {
    waiting.get(event.request_id)?.()
    waiting.delete(event.request_id)
  }
}

// The calls to WeChat of a request. They are recorded before its reply, so they are known when its own event arrives.
export const callsOf = (id) => calls.get(id) ?? []

// Waits for the event of a request, and returns it with its calls; without events, an empty result after two seconds.
export async function eventsOf(id) {
  if (!requests.has(id)) await Promise.race([new Promise((resolve) => waiting.set(id, resolve)), sleep(2000)])
  return { request: requests.get(id), calls: callsOf(id) }
}
