// Writes dist/index.mjs and miniprogram_dist/index.js.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const file = (name) => new URL(`../${name}`, import.meta.url)

const source = readFileSync(file('src/index.js'), 'utf8')
// A mini program loads CommonJS, and its tools do not transform packages.
const exported = []
const commonJs = source.replace(/^export function (\w+)/gm, (_, name) => {
  exported.push(name)
  return `function ${name}`
})

copyFileSync(file('../../LICENSE'), file('LICENSE'))
mkdirSync(file('dist'), { recursive: true })
mkdirSync(file('miniprogram_dist'), { recursive: true })
writeFileSync(file('dist/index.mjs'), source)
writeFileSync(
  file('miniprogram_dist/index.js'),
  `'use strict';\n\n${commonJs}\n${exported.map((name) => `exports.${name} = ${name};\n`).join('')}`,
)
