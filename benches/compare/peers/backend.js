'use strict'
// The login for both peers: one row for the user and one for the session, durable before the response. A session check is one
// query by SHA-256(token).

const { createHash, randomBytes, randomUUID } = require('node:crypto')
const Database = require('better-sqlite3')
const { Pool } = require('undici')

const LIFETIME = 7 * 24 * 3600 * 1000
const IDLE = 3 * 24 * 3600 * 1000
const TOUCH = 3600 * 1000

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

const sha256 = (text) => createHash('sha256').update(text).digest()
const iso = (milliseconds) => new Date(milliseconds).toISOString()
const success = (data) => ({ code: 0, message: 'success!', data })

function openDatabase(file) {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec(`
    CREATE TABLE IF NOT EXISTS user (
      id         TEXT NOT NULL PRIMARY KEY,
      openid     TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS session (
      digest      BLOB NOT NULL PRIMARY KEY,
      user        TEXT NOT NULL REFERENCES user (id),
      session_key TEXT NOT NULL,
      created_at  INTEGER NOT NULL,
      expires_at  INTEGER NOT NULL,
      last_seen   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`)
  return database
}

class Backend {
  constructor({ database, wechat, appId, appSecret }) {
    this.database = openDatabase(database)
    this.wechat = new Pool(wechat, { connections: 64 })
    this.exchange = `/sns/jscode2session?grant_type=authorization_code&appid=${appId}&secret=${appSecret}&js_code=`
    const upsertUser = this.database.prepare(
      'INSERT INTO user VALUES (?, ?, ?) ON CONFLICT (openid) DO UPDATE SET openid = excluded.openid RETURNING id')
    const insertSession = this.database.prepare('INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)')
    this.insert = this.database.transaction((digest, openid, sessionKey, now) => {
      const fresh = randomUUID()
      const { id } = upsertUser.get(fresh, openid, now)
      insertSession.run(digest, id, sessionKey, now, now + LIFETIME, now)
      return { id, is_new: id === fresh }
    })
    this.find = this.database.prepare(`
      SELECT user.id, user.created_at AS user_created_at, session.created_at, expires_at, last_seen
      FROM session JOIN user ON user.id = session.user WHERE digest = ?`)
    this.touch = this.database.prepare('UPDATE session SET last_seen = ? WHERE digest = ?')
  }

  /** `POST /login`. */
  async logIn(body) {
    const code = body?.code
    if (typeof code !== 'string' || code === '') throw new HttpError(400, 400, 'code_missing', 'Send a code.')
    const response = await this.wechat.request({ method: 'GET', path: this.exchange + encodeURIComponent(code) })
    const { errcode, openid, session_key: sessionKey } = await response.body.json()
    if (errcode) throw new HttpError(401, errcode, 'login_code_invalid', 'Call wx.login again.')
    const token = 'wxs_' + randomBytes(36).toString('base64url')
    const user = this.insert(sha256(token), openid, sessionKey, Date.now())
    return success({ token, expires_in: LIFETIME / 1000, idle_expires_in: 259200, user })
  }

  /** `GET /session` with this value of the Authorization header. */
  showSession(authorization) {
    const token = /^bearer (.+)$/i.exec(authorization ?? '')?.[1]
    if (!token) throw SESSION_REQUIRED()
    const digest = sha256(token)
    const found = this.find.get(digest)
    const now = Date.now()
    const endsAt = found && Math.min(found.expires_at, found.last_seen + IDLE)
    if (!found || endsAt <= now) throw SESSION_REQUIRED()
    if (now - found.last_seen >= TOUCH) this.touch.run(now, digest)
    return success({
      session: { created_at: iso(found.created_at), ends_at: iso(endsAt), expires_at: iso(found.expires_at) },
      user: { id: found.id, created_at: iso(found.user_created_at) }
    })
  }
}

/** Reads the settings of both peers from the environment. */
function fromEnvironment() {
  const { DATABASE, WECHAT, APP_ID, APP_SECRET, PORT } = process.env
  return {
    port: Number(PORT),
    backend: new Backend({ database: DATABASE, wechat: WECHAT, appId: APP_ID, appSecret: APP_SECRET })
  }
}

module.exports = { HttpError, MALFORMED_JSON, fromEnvironment, openDatabase, sha256, LIFETIME }
