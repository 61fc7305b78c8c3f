'use strict'
// The tutorial's Express server, with the login that it was to have.

const express = require('express')
const bodyParser = require('body-parser')
const morgan = require('morgan')
const { MALFORMED_JSON, Refusal, fromEnvironment } = require('./backend')

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
  const refusal = error.type === 'entity.parse.failed' ? MALFORMED_JSON() : error
  if (!(refusal instanceof Refusal)) return next(error)
  response.status(refusal.status).json(refusal.body)
})
app.listen(port, '127.0.0.1')
