'use strict'
// Fills a PostgreSQL database with sessions of express-session, and writes their cookies to a file:
// node seed-express-session.js DATABASE COOKIES COUNT

const { randomBytes, randomUUID } = require('node:crypto')
const { readFileSync, writeFileSync } = require('node:fs')
const { sign } = require('cookie-signature')
const { Client } = require('pg')
const { LIFETIME, SECRET, iso } = require('./common')

async function main(database, file, count) {
  const client = new Client({ connectionString: database })
  await client.connect()
  await client.query(readFileSync(require.resolve('connect-pg-simple/table.sql'), 'utf8'))
  await client.query('CREATE TABLE account (id text PRIMARY KEY, openid text NOT NULL UNIQUE, created_at bigint NOT NULL)')
  const now = Date.now()
  const end = now + LIFETIME
  const cookie = { originalMaxAge: LIFETIME, expires: iso(end), httpOnly: true, path: '/' }
  const cookies = []
  while (cookies.length < count) {
    const rows = Array.from({ length: Math.min(1000, count - cookies.length) }, () => {
      const user = { id: randomUUID(), created_at: iso(now) }
      const session = { cookie, user, sessionKey: randomBytes(16).toString('base64'), createdAt: now }
      return { sid: randomBytes(36).toString('base64url'), session: JSON.stringify(session) }
    })
    await client.query('INSERT INTO session SELECT *, to_timestamp($3) FROM unnest($1::text[], $2::json[])',
      [rows.map(({ sid }) => sid), rows.map(({ session }) => session), end / 1000])
    for (const { sid } of rows) cookies.push('connect.sid=' + encodeURIComponent('s:' + sign(sid, SECRET)))
  }
  await client.end()
  writeFileSync(file, cookies.join('\n') + '\n')
}

const [database, file, count] = process.argv.slice(2)
main(database, file, Number(count))
