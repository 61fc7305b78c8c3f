// Loads the sample mini program as WeChat does: CommonJS with relative paths and packages in miniprogram_npm, the globals `wx`, `App` and `Page`, and no globals of
// Node or the browser. Every call loads it again, as a phone does after the mini program was closed.

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const ROOT = path.resolve(__dirname, '../../examples/miniprogram');
// Code that uses one of these would work in a Node test but not in a mini program.
const ABSENT = ['process', 'Buffer', 'global', 'globalThis', 'window', 'document', 'fetch', 'XMLHttpRequest'];

// `packages` is the folder with the built npm packages.
function start(wx, packages = path.join(ROOT, 'miniprogram_npm')) {
  const modules = new Map();
  const registered = { app: null, pages: [] };
  const globals = {
    wx,
    App: (options) => { registered.app = options; },
    Page: (options) => { registered.pages.push(pageOf(options)); },
    getApp: () => registered.app,
  };

  function load(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const scope = { module, exports: module.exports, require: requireFrom(path.dirname(file)), ...globals };
    const names = [...Object.keys(scope), ...ABSENT];
    const run = vm.compileFunction(fs.readFileSync(file, 'utf8'), names, { filename: file });
    run(...Object.values(scope));
    return module.exports;
  }

  const requireFrom = (folder) => (name) => {
    if (/^[\w-]+$/.test(name)) return load(path.join(packages, name, 'index.js'));
    const file = path.resolve(folder, name.endsWith('.js') ? name : `${name}.js`);
    const inside = /^\.\.?\//.test(name) && file.startsWith(ROOT + path.sep);
    if (!inside) throw new Error(`a mini program cannot require ${name}`);
    return load(file);
  };

  return {
    login: () => load(path.join(ROOT, 'utils/login.js')),
    app() {
      load(path.join(ROOT, 'app.js'));
      return registered.app;
    },
    page(name) {
      load(path.join(ROOT, `${name}.js`));
      return registered.pages[registered.pages.length - 1];
    },
  };
}

// The page instance, with its own copy of `data` and a `setData` as strict as WeChat's.
function pageOf(options) {
  return {
    ...options,
    data: structuredClone(options.data || {}),
    setData(changes) {
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) throw new Error(`setData: ${name} is undefined`);
        this.data[name] = JSON.parse(JSON.stringify(value));
      }
    },
  };
}

module.exports = { start, ROOT };
