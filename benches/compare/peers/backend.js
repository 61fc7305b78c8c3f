'use strict'
// The login of Express and Fastify: one row for the user and one for the session, durable before the response. A session check is one
// query by SHA-256(token).

const { createHash, randomBytes, randomUUID } = require('node:crypto')
const Database = require('better-sqlite3')
const { IDLE, LIFETIME, SESSION_REQUIRED, TOUCH, WeChat, iso, success } = require('./common')

const sha256 = (text) => createHash('sha256').update(text).digest()

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
  constructor({ database, ...wechat }) {
    this.database = openDatabase(database)
    this.wechat = new WeChat(wechat)
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
    const { openid, sessionKey } = await this.wechat.exchange(body)
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

module.exports = { fromEnvironment, openDatabase, sha256 }
