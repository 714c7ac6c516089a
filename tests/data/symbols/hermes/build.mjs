// Makes bundle.hbc.map: what Metro and the Hermes compiler leave of cart.js and index.js in a release build.
//
//   npm install --ignore-scripts esbuild@0.28 hermes-compiler metro-source-map @babel/parser && node build.mjs
//
// React Native composes two maps: Hermes's own (bytecode offset to bundle) and the bundler's (bundle to source), which
// carries the names of functions in x_facebook_sources, made here by Metro's own code.
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync, mkdtempSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const esbuild = require('esbuild');
const {parse} = require('@babel/parser');
const metro = require('metro-source-map');
const generate = require('metro-source-map/private/generateFunctionMap');
const generateFunctionMap = generate.generateFunctionMap ?? generate.default ?? generate;

const here = new URL('.', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'hermes-'));
const bundle = join(folder, 'index.android.bundle');
esbuild.buildSync({
  entryPoints: [join(here, 'index.js')], bundle: true, minify: true, target: 'es2016',
  sourcemap: 'external', outfile: bundle, absWorkingDir: here, sourceRoot: '',
});
const map = JSON.parse(readFileSync(bundle + '.map', 'utf8'));
map.sources = map.sources.map((source) => source.replace(/^.*\//, ''));
map.x_facebook_sources = map.sourcesContent.map((code) =>
  [generateFunctionMap(parse(code, {sourceType: 'module'}))]);
writeFileSync(bundle + '.map', JSON.stringify(map));
const hermesc = join(process.cwd(), 'node_modules/hermes-compiler/hermesc/linux64-bin/hermesc');
execFileSync(hermesc, ['-w', '-O', '-emit-binary', '-output-source-map', '-out', bundle + '.hbc', bundle]);
const hermes = JSON.parse(readFileSync(bundle + '.hbc.map', 'utf8'));
const composed = metro.composeSourceMaps([map, hermes]);
writeFileSync(join(here, 'bundle.hbc.map'), JSON.stringify(composed) + '\n');

