'use strict'
// The usual way to run the tutorial's Express server on several machines: express-session, with its sessions in PostgreSQL.

const { randomBytes, randomUUID } = require('node:crypto')
const { promisify } = require('node:util')
const express = require('express')
const bodyParser = require('body-parser')
const morgan = require('morgan')
const expressSession = require('express-session')
const PostgresStore = require('connect-pg-simple')(expressSession)
const { Pool } = require('pg')
const { HttpError, LIFETIME, IDLE, SECRET, SESSION_REQUIRED, WeChat, iso, success } = require('./common')

const { DATABASE, WECHAT, APP_ID, APP_SECRET, PORT } = process.env
const wechat = new WeChat({ wechat: WECHAT, appId: APP_ID, appSecret: APP_SECRET })
const pool = new Pool({ connectionString: DATABASE, max: 10 })
const app = express()
app.use(morgan('dev'))
app.use(bodyParser.json())
app.get('/livez', (request, response) => response.json({ code: 0, message: 'success!', data: {} }))
app.use(expressSession({
  // Without an UPDATE of the expiry for each request, which is the default.
  store: new PostgresStore({ pool, disableTouch: true, pruneSessionInterval: false }),
  secret: SECRET,
  resave: false,
  saveUninitialized: false,
  genid: () => randomBytes(36).toString('base64url'),
  cookie: { maxAge: LIFETIME }
}))

async function logIn(request) {
  const { openid, sessionKey } = await wechat.exchange(request.body)
  const fresh = randomUUID()
  const now = Date.now()
  const { rows: [{ id }] } = await pool.query(
    'INSERT INTO account VALUES ($1, $2, $3) ON CONFLICT (openid) DO UPDATE SET openid = excluded.openid RETURNING id',
    [fresh, openid, now])
  await promisify(request.session.regenerate).call(request.session)
  Object.assign(request.session, { user: { id, created_at: iso(now) }, sessionKey, createdAt: now })
  await promisify(request.session.save).call(request.session)
  const user = { id, is_new: id === fresh }
  return success({ token: 'wxs_' + request.sessionID, expires_in: LIFETIME / 1000, idle_expires_in: IDLE / 1000, user })
}

app.post('/login', (request, response, next) => {
  logIn(request).then((reply) => response.json(reply), next)
})
app.get('/session', (request, response) => {
  const { user, createdAt } = request.session
  if (!user) throw SESSION_REQUIRED()
  const end = iso(createdAt + LIFETIME)
  response.json(success({ session: { created_at: iso(createdAt), ends_at: end, expires_at: end }, user }))
})

app.use((error, request, response, next) => {
  if (!(error instanceof HttpError)) return next(error)
  response.status(error.status).json(error.body)
})
app.listen(PORT, '127.0.0.1')
