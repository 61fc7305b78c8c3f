// Starts and stops the server under test, and loads it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BINARY = process.env.WEAPP_LOGIN_BIN

// A server in a folder of its own. It can be stopped and started again on the same port.
export class Server {
  home = mkdtempSync(join(tmpdir(), 'weapp-login-console-'))
  port = 0

  async start(environment = {}) {
    const env = { PATH: process.env.PATH, WEAPP_SERVER__PORT: `${this.port}`, ...environment }
    this.child = spawn(BINARY, { cwd: this.home, env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.output = ''
    await new Promise((resolve, reject) => {
      this.child.on('exit', () => reject(new Error(`the server ended: ${this.output}`)))
      this.child.stdout.on('data', (chunk) => {
        this.output += chunk
        const found = this.output.match(/http:\/\/127\.0\.0\.1:(\d+)/)
        if (found) resolve(this.port = Number(found[1]))
      })
    })
    return this
  }

  get url() {
    return `http://localhost:${this.port}/`
  }

  async stop() {
    this.child.removeAllListeners('exit')
    const ended = new Promise((resolve) => this.child.on('exit', resolve))
    this.child.kill('SIGTERM')
    await ended
  }

  async remove() {
    await this.stop()
    rmSync(this.home, { recursive: true, force: true })
  }

  // Sends requests on a few connections, and returns the latency that 99 % of them do not exceed, in milliseconds.
  async load(count, connections = 4) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
    const times = []
    const one = (number) => new Promise((resolve, reject) => {
      const start = process.hrtime.bigint()
      http.get({ port: this.port, path: `/session?number=${number}`, agent }, (reply) => {
        reply.resume()
        reply.on('end', () => {
          times.push(Number(process.hrtime.bigint() - start) / 1e6)
          resolve()
        })
      }).on('error', reject)
    })
    let next = 0
    const client = async () => { while (next < count) await one(next++) }
    await Promise.all(Array.from({ length: connections }, client))
    agent.destroy()
    times.sort((a, b) => a - b)
    return times[Math.floor(times.length * 0.99)]
  }
}

// Returns a port that nothing listens on.
export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
