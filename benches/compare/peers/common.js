'use strict'
// The responses of all peers, and their calls to WeChat.

const { Pool } = require('undici')

const LIFETIME = 7 * 24 * 3600 * 1000
const IDLE = 3 * 24 * 3600 * 1000
const TOUCH = 3600 * 1000
/** Signs the cookies of express-session. */
const SECRET = '0123456789abcdef0123456789abcdef'

/** An error response. */
class HttpError extends Error {
  constructor(status, code, error, message) {
    super(message)
    this.status = status
    this.body = { code, error, message }
  }
}

const SESSION_REQUIRED = () => new HttpError(401, 401, 'session_required', 'Log in first.')
const MALFORMED_JSON = () => new HttpError(400, 400, 'malformed_json', 'Send a JSON object.')

const iso = (milliseconds) => new Date(milliseconds).toISOString()
const success = (data) => ({ code: 0, message: 'success!', data })

class WeChat {
  constructor({ wechat, appId, appSecret }) {
    this.pool = new Pool(wechat, { connections: 64 })
    this.path = `/sns/jscode2session?grant_type=authorization_code&appid=${appId}&secret=${appSecret}&js_code=`
  }

  /** Exchanges the code in the body of a login. */
  async exchange(body) {
    const code = body?.code
    if (typeof code !== 'string' || code === '') throw new HttpError(400, 400, 'code_missing', 'Send a code.')
    const response = await this.pool.request({ method: 'GET', path: this.path + encodeURIComponent(code) })
    const { errcode, openid, session_key: sessionKey } = await response.body.json()
    if (errcode) throw new HttpError(401, errcode, 'login_code_invalid', 'Call wx.login again.')
    return { openid, sessionKey }
  }
}

module.exports = { HttpError, MALFORMED_JSON, SESSION_REQUIRED, LIFETIME, IDLE, SECRET, TOUCH, WeChat, iso, success }
