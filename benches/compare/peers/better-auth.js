'use strict'
// Express with the identity library Better Auth, with its sessions in PostgreSQL.

const express = require('express')
const bodyParser = require('body-parser')
const morgan = require('morgan')
const { betterAuth } = require('./better-auth-settings')
const { HttpError, LIFETIME, IDLE, SESSION_REQUIRED, success } = require('./common')

async function main() {
  const { DATABASE, WECHAT, APP_ID, APP_SECRET, PORT } = process.env
  const { auth } = await betterAuth({ database: DATABASE, wechat: WECHAT, appId: APP_ID, appSecret: APP_SECRET })
  const { fromNodeHeaders } = await import('better-auth/node')
  const app = express()
  app.use(morgan('dev'))
  app.use(bodyParser.json())
  app.get('/livez', (request, response) => response.json({ code: 0, message: 'success!', data: {} }))
  app.post('/login', (request, response, next) => {
    auth.api.signInMiniProgram({ body: request.body, headers: fromNodeHeaders(request.headers) }).then(({ token, user }) => {
      response.json(success({ token, expires_in: LIFETIME / 1000, idle_expires_in: IDLE / 1000, user }))
    }, next)
  })
  app.get('/session', (request, response, next) => {
    auth.api.getSession({ headers: fromNodeHeaders(request.headers) }).then((found) => {
      if (!found) throw SESSION_REQUIRED()
      const { session, user } = found
      const end = session.expiresAt.toISOString()
      response.json(success({
        session: { created_at: session.createdAt.toISOString(), ends_at: end, expires_at: end },
        user: { id: user.id, created_at: user.createdAt.toISOString() }
      }))
    }).catch(next)
  })
  app.use((error, request, response, next) => {
    if (!(error instanceof HttpError)) return next(error)
    response.status(error.status).json(error.body)
  })
  app.listen(PORT, '127.0.0.1')
}

main()
