'use strict'
// Creates the tables of Better Auth in a PostgreSQL database, fills them with sessions, and writes their tokens to a file:
// node seed-better-auth.js DATABASE TOKENS COUNT

const { randomUUID } = require('node:crypto')
const { writeFileSync } = require('node:fs')
const { betterAuth, newToken } = require('./better-auth-settings')
const { LIFETIME } = require('./common')

async function main(database, file, count) {
  const { auth, pool } = await betterAuth({ database, wechat: 'http://127.0.0.1:1' })
  const { getMigrations } = await import('better-auth/db/migration')
  const { runMigrations } = await getMigrations(auth.options)
  await runMigrations()
  // A login looks for this pair, and the library creates no index for it.
  await pool.query('CREATE INDEX ON account ("providerId", "accountId")')
  const end = new Date(Date.now() + LIFETIME)
  const tokens = []
  while (tokens.length < count) {
    const users = Array.from({ length: Math.min(1000, count - tokens.length) }, () => randomUUID())
    const fresh = users.map(newToken)
    await pool.query(
      `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
       SELECT id, 'WeChat', id || '@wechat.invalid', false, now(), now() FROM unnest($1::text[]) AS id`, [users])
    await pool.query(
      `INSERT INTO account (id, "accountId", "providerId", "userId", "createdAt", "updatedAt")
       SELECT gen_random_uuid()::text, id, 'wechat', id, now(), now() FROM unnest($1::text[]) AS id`, [users])
    await pool.query(
      `INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent")
       SELECT gen_random_uuid()::text, token, id, $3, now(), now(), '', '' FROM unnest($1::text[], $2::text[]) AS session (id, token)`,
      [users, fresh, end])
    tokens.push(...fresh)
  }
  await pool.end()
  writeFileSync(file, tokens.join('\n') + '\n')
}

const [database, file, count] = process.argv.slice(2)
main(database, file, Number(count))
