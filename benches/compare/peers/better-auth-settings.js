'use strict'
// The identity library Better Auth on PostgreSQL, with its bearer tokens, and with WeChat's login as a plugin. It sends the
// peers' responses.

const { randomBytes, randomUUID } = require('node:crypto')
const { Pool } = require('pg')
const { LIFETIME, SECRET, WeChat } = require('./common')

/** Returns Better Auth on this database. The modules have no CommonJS version. */
async function betterAuth({ database, ...settings }) {
  const { betterAuth } = await import('better-auth')
  const { createAuthEndpoint } = await import('better-auth/api')
  const { bearer } = await import('better-auth/plugins')
  const wechat = new WeChat(settings)
  const signIn = createAuthEndpoint('/sign-in/mini-program', { method: 'POST' }, async (context) => {
    const { openid, sessionKey } = await wechat.exchange(context.body)
    const { internalAdapter } = context.context
    const known = await internalAdapter.findAccountByKey({ providerId: 'wechat', accountId: openid })
    const userId = known ? known.userId : await createUser(internalAdapter, openid, sessionKey)
    const { token } = await internalAdapter.createSession(userId, false, { token: newToken() }, true)
    return { token, user: { id: userId, is_new: !known } }
  })
  const pool = new Pool({ connectionString: database, max: 10 })
  const auth = betterAuth({
    database: pool,
    baseURL: 'http://127.0.0.1',
    secret: SECRET,
    session: { expiresIn: LIFETIME / 1000 },
    advanced: { database: { generateId: () => randomUUID() } },
    telemetry: { enabled: false },
    plugins: [bearer(), { id: 'mini-program', endpoints: { signInMiniProgram: signIn } }]
  })
  return { auth, pool }
}

/** An account of Better Auth has an email address. */
async function createUser(internalAdapter, openid, sessionKey) {
  const user = { name: 'WeChat', email: openid + '@wechat.invalid', emailVerified: false }
  const account = { providerId: 'wechat', accountId: openid, accessToken: sessionKey }
  const created = await internalAdapter.createOAuthUser(user, account)
  return created.user.id
}

const newToken = () => 'wxs_' + randomBytes(36).toString('base64url')

module.exports = { betterAuth, newToken }
