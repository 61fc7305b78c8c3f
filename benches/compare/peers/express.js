'use strict'
// The Express server of the tutorial, with a login.

const express = require('express')
const bodyParser = require('body-parser')
const morgan = require('morgan')
const { fromEnvironment } = require('./backend')
const { MALFORMED_JSON, HttpError } = require('./common')

const { backend, port } = fromEnvironment()
const app = express()
app.use(morgan('dev'))
app.use(bodyParser.json())

app.get('/livez', (request, response) => response.json({ code: 0, message: 'success!', data: {} }))
app.post('/login', (request, response, next) => {
  backend.logIn(request.body).then((reply) => response.json(reply), next)
})
app.get('/session', (request, response) => response.json(backend.showSession(request.headers.authorization)))

app.use((error, request, response, next) => {
  const known = error.type === 'entity.parse.failed' ? MALFORMED_JSON() : error
  if (!(known instanceof HttpError)) return next(error)
  response.status(known.status).json(known.body)
})
app.listen(port, '127.0.0.1')
