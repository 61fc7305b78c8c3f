// Records how Node's console.log prints received bodies: node tests/express/console_log.js > tests/express/console_log.json
// Each case is the body's JSON and the printed text. Recorded with Node 20.
const { Console } = require('node:console');
const { Writable } = require('node:stream');

const printed = (value) => {
  const chunks = [];
  const stdout = new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) });
  new Console({ stdout }).log(value);
  return Buffer.concat(chunks).toString().replace(/\n$/, '');
};

const code = '051bIzT629FmMN0zraV62WLnT62bIzTA';
const texts = ['', 'x', "it's", `"it's"`, '`"it\'s"`', '${"it\'s"}', 'a\\b', '\b\t\n\v\f\r\0\x1b\x7f\x80\x9f', '论语', '😀', 'é', '$',
  'a\nb', 'a'.repeat(60) + '\n' + 'b'.repeat(30), '\n'.repeat(90), 'a\n'.repeat(10), 'x'.repeat(75), 'x'.repeat(76), "'".repeat(120), '论'.repeat(80)];
const numbers = [0, 1, 12, 1.5, 0.1, 100, 1e20, 1e21, 1.5e21, 1e-6, 1e-7, 1.25e-9, 5e-324, 1.7976931348623157e308,
  9007199254740993, 123456789.125, 4294967295, 0.1 + 0.2];
const names = ['code', 'a', '_a1', 'A', '$a', 'a-b', '1a', '', ' ', '论', "it's", 'constructor', 'toString', 'length', '0', '10', '9',
  '01', '4294967294', '4294967295', '-1', '1.5', 'a\nb'];

const values = [{ code }, [], {}, { user: 'x' }, { code: 12 }, { code, user: { name: 'Mei', tags: ['a', 'b'] } }, { code: null, ok: true, no: false },
  { a: { b: { c: { d: 1 } } } }, { a: { b: { c: [1] } } }, { a: { b: { c: {} , d: [] } } }, [[[[1]]]], [[[{ a: 1 }]]], [[[[]]]],
  Object.fromEntries(names.map((name, index) => [name, index])), names, texts, numbers, numbers.map((number) => -number)];
const bodies = values.map((value) => JSON.stringify(value));
for (const text of texts) bodies.push(JSON.stringify({ code: text }), JSON.stringify({ a: { b: { c: text } } }), JSON.stringify([text]));
for (const number of numbers) bodies.push(JSON.stringify({ n: number }), JSON.stringify([-number]));
for (const name of names) bodies.push(JSON.stringify({ [name]: name }));
// Texts that JSON.stringify does not write.
bodies.push('{"n":-0}', '[1e400,-1e400,1E3,1.0,100000000000000000000000]', '{"a":1,"b":2,"a":3}', '{"__proto__":1}', '{"__proto__":{"a":1},"b":2}',
  '{"a":"\\ud83d"}', '{"a":"\\ude00\\ud83d\\ud83d\\ude00"}', '{"\\ud83d":1}', '{"c\\u006fde":"\\u0061"}', ' \n{ "a" : [ 1 , 2 ] }\t');
// Long strings and lines of every length near the limit.
for (const length of [10000, 10001, 10300]) bodies.push(JSON.stringify({ code: 'x'.repeat(length) }));
for (let length = 55; length <= 78; length++) bodies.push(JSON.stringify({ code: 'x'.repeat(length) }), JSON.stringify({ a: 1, b: 'x'.repeat(length - 12), c: [1, 2] }));
// Arrays in columns.
for (const length of [6, 7, 8, 13, 27, 101]) {
  const array = (element) => JSON.stringify(Array.from({ length }, (_, index) => element(index)));
  if (length === 101) bodies.push(JSON.stringify(Array.from({ length: 103 }, (_, index) => index)));
  bodies.push(array((index) => index), array((index) => index * index * 1.5), array((index) => 'x'.repeat(index % 7)), array(() => 'a longer text'),
    array((index) => (index === 3 ? 'x' : index)), array((index) => (index === 3 ? 'x'.repeat(20) : 'y')), array(() => code), array((index) => ({ index })),
    array((index) => [index]), array((index) => index % 2 === 0), array((index) => '论'.repeat(index % 5)));
}
// Random values, the same at every run.
let seed = 7;
const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
const pick = (list) => list[random(list.length)];
const any = (depth) => {
  const kind = random(depth > 4 ? 4 : 7);
  if (kind < 2) return pick([...texts.slice(0, 13), code, 'x'.repeat(random(90))]);
  if (kind === 2) return pick([...numbers, random(1000)]);
  if (kind === 3) return pick([null, true, false]);
  if (kind === 4) return Array.from({ length: random(10) }, () => any(depth + 1));
  return Object.fromEntries(Array.from({ length: random(6) }, () => [pick(names), any(depth + 1)]));
};
for (let index = 0; index < 150; index++) bodies.push(JSON.stringify({ code, data: any(1), more: any(1) }));

const cases = [...new Set(bodies)].map((body) => [body, printed(JSON.parse(body))]);
console.log(`[\n${cases.map((one) => JSON.stringify(one)).join(',\n')}\n]`);
