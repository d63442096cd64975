import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

it('the client SDK is at most 8 KiB, minified and gzipped, with all that it imports', async () => {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, '../../src/client/index.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  const size = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
  console.log(`client SDK: ${size} bytes`)
  expect(size).toBeLessThanOrEqual(8 * 1024)
})
