'use strict'
// The same with Fastify, its logger and its JSON parser.

const { fastify } = require('fastify')
const { fromEnvironment } = require('./backend')
const { MALFORMED_JSON, HttpError } = require('./common')

const { backend, port } = fromEnvironment()
const app = fastify({ logger: true })

const text = { type: 'string' }
const reply = (data) => ({
  response: {
    200: { type: 'object', properties: { code: { type: 'integer' }, message: text, data: { type: 'object', properties: data } } }
  }
})
const object = (properties) => ({ type: 'object', properties })

app.get('/livez', { schema: reply({}) }, async () => ({ code: 0, message: 'success!', data: {} }))
app.post('/login', {
  schema: reply({ token: text, expires_in: { type: 'integer' }, idle_expires_in: { type: 'integer' }, user: object({ id: text, is_new: { type: 'boolean' } }) })
}, (request) => backend.logIn(request.body))
app.get('/session', {
  schema: reply({
    session: object({ created_at: text, ends_at: text, expires_at: text }),
    user: object({ id: text, created_at: text })
  })
}, async (request) => backend.showSession(request.headers.authorization))

app.setErrorHandler((error, request, response) => {
  const known = error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY' ? MALFORMED_JSON() : error
  if (!(known instanceof HttpError)) throw error
  return response.code(known.status).send(known.body)
})
app.listen({ port, host: '127.0.0.1' })
