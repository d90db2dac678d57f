// SPDX-License-Identifier: Apache-2.0
//
// Runs a preview 1 command in Node.js: node --no-warnings node_wasi.mjs FILE.wasm [ARG...]
import fs from 'node:fs';
import { WASI } from 'node:wasi';

const args = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args });
const module = new WebAssembly.Module(fs.readFileSync(args[0]));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
