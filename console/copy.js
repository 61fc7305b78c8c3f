// Writes a request as the code that sends it.
import { sentBy } from './call.js'

const WECHAT = 'https://api.weixin.qq.com'

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`

// The parts of an entry of the log. What this page sent is complete; of other requests the secrets are masked.
function parts(entry) {
  if (entry.kind === 'call') {
    const body = entry.body ?? ''
    return { method: entry.method, address: WECHAT + entry.url, headers: body ? [['content-type', 'application/json']] : [], body }
  }
  const { headers, body } = sentBy(entry.request_id) ?? entry
  const path = entry.path.replace(/^\//, '')
  const base = new URL(document.baseURI)
  return { method: entry.method, address: new URL(`/${path}`, base).href, headers, body }
}

export function curl(entry) {
  const { method, address, headers, body } = parts(entry)
  const words = ['curl', ...(method === 'GET' ? [] : ['-X', method])]
  for (const [name, value] of headers) words.push('-H', quoted(`${name}: ${value}`))
  if (body) words.push('-d', quoted(body))
  return [...words, quoted(address)].join(' ')
}

// The call of a front end's framework: 'wx', 'uni' or 'Taro'.
export function request(framework, entry) {
  const { method, address, headers, body } = parts(entry)
  const header = Object.fromEntries(headers.filter(([name]) => !['accept-language', 'referer'].includes(name)))
  const lines = [`  url: '${address}',`, `  method: '${method}',`]
  if (body) lines.push(`  data: ${body},`)
  if (Object.keys(header).length) lines.push(`  header: ${JSON.stringify(header)},`)
  if (framework === 'Taro') return `Taro.request({\n${lines.join('\n')}\n}).then(({ statusCode, data }) => console.log(statusCode, data))`
  lines.push('  success: ({ statusCode, data }) => console.log(statusCode, data),')
  return `${framework}.request({\n${lines.join('\n')}\n})`
}

export const FORMATS = {
  curl,
  'wx.request': (entry) => request('wx', entry),
  'uni.request': (entry) => request('uni', entry),
  'Taro.request': (entry) => request('Taro', entry),
}

export const isMasked = (text) => text.includes('***') || text.includes('…')
