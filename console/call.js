// Calls the API of the server, and remembers what this page sent.

const KEPT = 100
const sent = new Map()

// The page is at the path below which everything is served.
export const url = (path) => new URL(path.replace(/^\//, ''), document.baseURI)

export class Failure extends Error {
  constructor(status, reply) {
    super(reply?.message ?? reply?.error ?? `${status}`)
    this.status = status
    this.reply = reply
  }
}

// Sends a request and returns { method, path, body, status, reply, text, id, ms }, whatever the status.
export async function call(method, path, { body, token, headers = {} } = {}) {
  const header = { 'accept-language': document.documentElement.lang, ...headers }
  if (token) header.authorization = `Bearer ${token}`
  if (body !== undefined) header['content-type'] = 'application/json'
  const start = performance.now()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const response = await fetch(url(path), { method, headers: header, body: text, cache: 'no-store' })
  const received = await response.text()
  const ms = Math.round((performance.now() - start) * 10) / 10
  let reply
  try { reply = JSON.parse(received) } catch { reply = null }
  const id = response.headers.get('x-request-id') ?? ''
  sent.set(id, { headers: Object.entries(header), body: text ?? '' })
  if (sent.size > KEPT) sent.delete(sent.keys().next().value)
  return { method, path, body, status: response.status, reply, text: received, id, ms }
}

// Sends a request that must succeed, and returns the JSON of the reply.
export async function succeed(method, path, options) {
  const done = await call(method, path, options)
  if (done.status !== 200) throw new Failure(done.status, done.reply)
  return done.reply
}

// The headers and the body of a request that this page sent. The events have them without secrets.
export const sentBy = (id) => sent.get(id)

const KEY = 'weapp-login console key'

// The key comes with the address that the server prints, and leaves the address bar at once.
export function takeKey() {
  const here = new URL(location.href)
  const given = here.searchParams.get('key')
  if (given === null) return
  setKey(given)
  here.searchParams.delete('key')
  history.replaceState(null, '', here)
}

export const setKey = (key) => sessionStorage.setItem(KEY, key)

// The key of the console in development, and of an operator on the admin port.
export function keyHeader() {
  const key = sessionStorage.getItem(KEY) ?? ''
  return { 'x-console-key': key, ...(key && { authorization: `Bearer ${key}` }) }
}

// Gets data of the console.
export const data = async (path) => (await succeed('GET', `console/${path}`, { headers: keyHeader() })).data
