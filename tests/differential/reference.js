// SPDX-License-Identifier: Apache-2.0
// Runs generated modules in V8 and prints what execute.c prints of them: node reference.js FILE…
'use strict';
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

// What V8 says of a trap, and the name in the log.
const TRAPS = [
  [/unreachable/, 'UNREACHABLE'],
  [/memory access out of bounds|data segment/, 'MEMORY_OUT_OF_BOUNDS'],
  [/table index is out of bounds|table access|element segment/, 'TABLE_OUT_OF_BOUNDS'],
  [/null function or function signature mismatch/, 'BAD_SIGNATURE'],
  [/divide by zero|remainder by zero/, 'INTEGER_DIVISION_BY_ZERO'],
  [/divide result unrepresentable|float unrepresentable/, 'INTEGER_OVERFLOW'],
];

function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  crc32.table ||= Int32Array.from({length: 256}, (_, i) => {
    for (let k = 0; k < 8; k++) i = i & 1 ? (i >>> 1) ^ 0xedb88320 : i >>> 1;
    return i;
  });
  let crc = -1;
  for (const b of bytes) crc = crc32.table[(crc ^ b) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

const hex = (value, digits) => value.toString(16).padStart(digits, '0');

// The types of results are not to be had from an export: they stand in the file.
function resultTypes(bytes) {
  let at = 8;
  const types = [], functions = [], found = {};
  const u = () => { let r = 0, s = 0, b; do { b = bytes[at++]; r += (b & 127) * 2 ** s; s += 7; } while (b & 128); return r; };
  const text = () => { const n = u(); at += n; return bytes.toString('utf8', at - n, at); };
  const vec = () => Array.from({length: u()}, () => bytes[at++]);
  while (at < bytes.length) {
    const id = bytes[at++], end = u() + at;
    if (id === 1) for (let n = u(); n > 0; n--) { at++; vec(); types.push(vec()); }
    else if (id === 2) for (let n = u(); n > 0; n--) { text(); text(); at++; functions.push(u()); }
    else if (id === 3) for (let n = u(); n > 0; n--) functions.push(u());
    else if (id === 7) for (let n = u(); n > 0; n--) { const name = text(); if (bytes[at++] === 0) found[name] = types[functions[u()]]; else u(); }
    at = end;
  }
  return found;
}

function show(type, value) {
  const view = new DataView(new ArrayBuffer(8));
  switch (type) {
    case 0x7f: return ` i32:${hex(value >>> 0, 8)}`;
    case 0x7e: return ` i64:${hex(BigInt.asUintN(64, value), 16)}`;
    case 0x7d: view.setFloat32(0, value); return ` f32:${value !== value ? 'nan' : hex(view.getUint32(0), 8)}`;
    default: view.setFloat64(0, value); return ` f64:${value !== value ? 'nan' : hex(view.getBigUint64(0), 16)}`;
  }
}

function call(func, types) {
  try {
    const result = func();
    const values = types.length === 1 ? [result] : types.length === 0 ? [] : [...result];
    return values.map((v, i) => show(types[i], v)).join('');
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      const known = TRAPS.find(([pattern]) => pattern.test(error.message));
      return ` trap ${known ? known[1] : error.message}`;
    }
    return ` ${error}`;
  }
}

function run(bytes) {
  const types = resultTypes(bytes);
  let exports = null;
  const mix = (a, b) => BigInt.asIntN(64, (BigInt.asUintN(64, b) ^ BigInt(a >>> 0)) * 0x9e3779b97f4a7c15n + 1n);
  const back = (a) => exports.back((a + 1) | 0);
  exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), {h: {mix, back}}).exports;
  for (const name of Object.keys(exports))
    if (/^[rs]/.test(name)) console.log(name + call(exports[name], types[name]));
  for (const name of Object.keys(exports))
    if (name[0] === 'm') {
      const memory = new Uint8Array(exports[name].buffer);
      console.log(`${name} ${memory.length} ${hex(crc32(memory), 8)}`);
    }
}

for (const file of process.argv.slice(2)) {
  console.log(path.basename(file));
  try {
    run(fs.readFileSync(file));
  } catch (error) {
    console.log(`unsupported ${error}`);
  }
}
