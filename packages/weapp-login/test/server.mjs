// The helpers of the sample's tests: the real server, a fake wx, and a loader for mini programs.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export const { startServer } = require('../../../tests/miniprogram/server.js')
export const { createWx, network, issuedCode, MOCK_CODE } = require('../../../tests/miniprogram/wx.js')
export const { start, ROOT } = require('../../../tests/miniprogram/miniprogram.js')
