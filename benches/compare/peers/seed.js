'use strict'
// Fills a peer's database with one user and one session per token in a file: node seed.js DATABASE TOKENS

const { readFileSync } = require('node:fs')
const { randomBytes, randomUUID } = require('node:crypto')
const { openDatabase, sha256 } = require('./backend')
const { LIFETIME } = require('./common')

const [file, tokens] = process.argv.slice(2)
const database = openDatabase(file)
const user = database.prepare('INSERT INTO user VALUES (?, ?, ?)')
const session = database.prepare('INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)')
database.transaction(() => {
  const now = Date.now()
  for (const token of readFileSync(tokens, 'utf8').trim().split('\n')) {
    const id = randomUUID()
    user.run(id, randomBytes(21).toString('base64url'), now)
    session.run(sha256(token), id, randomBytes(16).toString('base64'), now, now + LIFETIME, now)
  }
})()
database.close()
