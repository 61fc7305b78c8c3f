// Runs the real binary in a new folder on a free port: the backend or the WeChat simulator.

'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');

const START_MS = 20000;
const STOP_MS = 10000;

const startServer = (settings = {}) => startBinary([], settings);
const startSimulator = () => startBinary(['simulate', '--port', '0'], {});

async function startBinary(args, settings) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weapp-login-miniprogram-'));
  const child = spawn(binary(), args, {
    cwd: folder,
    env: { ...cleanEnvironment(), WEAPP_SERVER__PORT: '0', WEAPP_STORE__URL: `sqlite://${folder}/weapp.db`, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let line = '';
  let output = '';
  child.stdout.on('data', (chunk) => {
    line += chunk;
    output += chunk;
  });
  child.stderr.on('data', (chunk) => { output += chunk; });
  const exited = once(child, 'exit');

  async function stop() {
    child.kill('SIGTERM');
    const [code, signal] = await within(STOP_MS, exited, () => child.kill('SIGKILL'), 'did not stop on SIGTERM');
    fs.rmSync(folder, { recursive: true, force: true });
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `the server did not stop cleanly:\n${output}`);
  }

  const started = new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      // The character after the port shows that the port is complete.
      const url = /(http:\/\/127\.0\.0\.1:[1-9]\d*)[^\d]/.exec(line);
      if (url) resolve(url[1]);
    });
    child.on('error', reject);
    exited.then(([code]) => reject(new Error(`the server exited at the start with status ${code}:\n${output}`)), reject);
  });
  try {
    const origin = await within(START_MS, started, () => {}, 'printed no http://127.0.0.1:<port> on standard output');
    return { origin, stop, line: () => line };
  } catch (error) {
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
    throw new Error(`${error.message}\n${output}`);
  }
}

function binary() {
  const named = process.env.WEAPP_LOGIN_BIN;
  if (!named) throw new Error('Set WEAPP_LOGIN_BIN to the built server, such as target/release/weapp-login.');
  const file = path.resolve(named);
  if (!fs.existsSync(file)) throw new Error(`WEAPP_LOGIN_BIN names ${file}, which does not exist: run cargo build --release`);
  return file;
}

// Settings in the environment of the tests must not reach the server.
function cleanEnvironment() {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('WEAPP_') && name !== 'PORT');
  return Object.fromEntries(entries);
}

async function within(limit, promise, onTimeout, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      onTimeout();
      reject(new Error(`the server ${message} within ${limit / 1000} s`));
    }, limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

module.exports = { startServer, startSimulator };
