// Bundles the shop with esbuild, rollup and webpack, and injects chunk ids into copies of what came out. See README.md.
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import terser from '@rollup/plugin-terser'
import typescript from '@rollup/plugin-typescript'
import esbuild from 'esbuild'
import { rollup } from '@rollup/wasm-node'
import webpack from 'webpack'
import { check } from './check.mjs'
import { inject } from './inject.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const entry = path.join(here, 'shop', 'main.ts')
const made = path.resolve(process.argv[2] ?? path.join(here, 'made'))

/** One script of modules for Node and browsers, with a second one that it imports. */
async function withEsbuild(folder) {
  await esbuild.build({
    entryPoints: [entry],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    chunkNames: '[name]',
    absWorkingDir: here,
  })
}

/** As esbuild's, but with TypeScript's own compiler in front and terser behind. */
async function withRollup(folder) {
  const bundle = await rollup({
    input: entry,
    plugins: [typescript({ tsconfig: path.join(here, 'tsconfig.json') }), terser({ module: true })],
  })
  await bundle.write({ dir: folder, format: 'es', sourcemap: true, chunkFileNames: '[name].js' })
  await bundle.close()
}

/** Classic scripts for browsers, the second loaded by a script element; or CommonJS for Node, loaded by require. */
async function withWebpack(folder, target, ending) {
  const compiler = webpack({
    mode: 'production',
    target,
    context: here,
    entry: { main: entry },
    devtool: 'source-map',
    resolve: { extensions: ['.ts', '.js'] },
    module: { rules: [{ test: /\.ts$/, loader: 'ts-loader' }] },
    output: { path: folder, filename: `[name]${ending}`, chunkFilename: `[name]${ending}` },
    optimization: { chunkIds: 'named' },
  })
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, stats) => (error ? reject(error) : compiler.close(() => resolve(stats))))
  })
  if (stats.hasErrors()) throw new Error(stats.toString('errors-only'))
}

const BUILDS = {
  esbuild: withEsbuild,
  rollup: withRollup,
  webpack: (folder) => withWebpack(folder, ['web', 'es2022'], '.js'),
  'webpack-node': (folder) => withWebpack(folder, 'node20', '.cjs'),
}

rmSync(made, { recursive: true, force: true })
for (const [name, build] of Object.entries(BUILDS)) {
  const plain = path.join(made, name, 'plain')
  const injected = path.join(made, name, 'injected')
  mkdirSync(plain, { recursive: true })
  await build(plain)
  cpSync(plain, injected, { recursive: true })
  inject(injected)
  await check(plain)
  await check(injected)
}
