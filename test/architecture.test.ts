import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** Who may import whom. Dependencies point one way; a folder that is not named here has no business in `src`. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  room: ['protocol'],
  auth: ['protocol'],
  gateway: ['protocol', 'auth', 'room'],
  webhooks: ['protocol', 'room'],
  settings: ['protocol', 'room', 'auth', 'webhooks'],
  node: ['protocol', 'room', 'auth', 'gateway', 'webhooks', 'settings', 'web'],
  cloudflare: ['protocol', 'room', 'auth', 'gateway', 'webhooks', 'settings', 'web'],
  client: ['protocol'],
  cli: ['protocol', 'auth', 'settings', 'node', 'client', 'web'],
  web: ['gateway'],
  '.': ['protocol', 'room'],
}

/** Packages, by who may use them. None in the parts that go into every bundle. */
const MAY_USE: Record<string, readonly RegExp[]> = {
  auth: [/^jose(\/|$)/, /^@noble\/hashes\//],
  gateway: [/^hono(\/|$)/],
  node: [/^node:/, /^ws$/, /^@hono\/node-server/, /^pino$/, /^prom-client$/],
  cloudflare: [/^cloudflare:/],
  web: [/^node:/, /^esbuild$/],
  cli: [/^node:/, /^commander$/, /^esbuild$/, /^jose$/, /^miniflare$/, /^wrangler$/, /^ws$/],
}

/** Larger than 300 lines, with the reason. */
const LARGE: Record<string, string> = {
  'client/hub.ts': 'one hub: what the application asks, what the link tells and what each room is told meet in it',
  'cloudflare/room-object.ts':
    'one host: what the Worker asks, what the platform tells and what the room asks meet in it',
  'node/local-room.ts': 'one host: what the gateway asks, what the registry asks and what the room asks meet in it',
}

/** What only some gateways want, or none before it is asked for: each file costs a start a millisecond. */
const LATER =
  /^(gateway\/openapi|node\/(tcp|webhooks)|web)\/|^(webhooks\/backend|node\/metrics\/definitions)\.ts|^(jose|prom-client|esbuild)$/

/** What a room must be handed by its host: it has no clock, timer, randomness, network or waiting of its own. */
const HOST_ONLY =
  /\b(Date\.now|new Date\b(?!\(\w)|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|Math\.random|crypto\.|fetch\(|await |async |Promise\b|console\.|process\.)/

interface Source {
  readonly file: string
  readonly folder: string
  readonly code: string
  readonly imports: readonly { readonly from: string; readonly typeOnly: boolean }[]
}

const sources: Source[] = globSync('**/*.ts', { cwd: src }).map((file) => {
  const code = readFileSync(join(src, file), 'utf8')
  const statements = code.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"]*?\s?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gms,
  )
  const imports = [...statements].map(([, typeOnly, from, bare]) => ({
    from: (from ?? bare) as string,
    typeOnly: typeOnly !== undefined,
  }))
  return { file, folder: dirname(file).split('/')[0] as string, code, imports }
})

const withoutComments = (code: string): string => code.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')

describe('the house', () => {
  it('has only the rooms that the design names', () => {
    expect(sources.length).toBeGreaterThan(40)
    expect(sources.filter(({ folder }) => !(folder in MAY_IMPORT)).map(({ file }) => file)).toEqual([])
  })

  it('imports point one way', () => {
    const wrong = sources.flatMap(({ file, folder, imports }) =>
      imports
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from }) => relative(src, resolve(src, dirname(file), from)).split('/'))
        .map((path) => (path.length === 1 ? '.' : (path[0] as string)))
        .filter((target) => target !== folder && !MAY_IMPORT[folder]?.includes(target))
        .map((target) => `${file} imports ${target}/`),
    )
    expect(wrong).toEqual([])
  })

  it('packages stand only where they belong', () => {
    const wrong = sources.flatMap(({ file, folder, imports }) =>
      imports
        .filter(({ from }) => !from.startsWith('.') && !MAY_USE[folder]?.some((allowed) => allowed.test(from)))
        .map(({ from }) => `${file} uses ${from}`),
    )
    expect(wrong).toEqual([])
  })

  it('the gateway knows rooms only by their types and ports', () => {
    const wrong = sources
      .filter(({ folder }) => folder === 'gateway')
      .flatMap(({ file, imports }) =>
        imports
          .filter(({ from, typeOnly }) => from.includes('/room/') && !typeOnly)
          .map(({ from }) => `${file}: ${from}`),
      )
    expect(wrong).toEqual([])
  })

  it('protocol and room have no clock, timer, randomness, input or output of their own', () => {
    const wrong = sources
      .filter(({ folder }) => folder === 'protocol' || folder === 'room')
      .flatMap(({ file, code }) => {
        const found = HOST_ONLY.exec(withoutComments(code))
        return found === null ? [] : [`${file}: ${found[0]}`]
      })
    expect(wrong).toEqual([])
  })

  it('relative imports name the file, so that Node runs the source as it is', () => {
    const wrong = sources.flatMap(({ file, imports }) =>
      imports
        .filter(({ from }) => from.startsWith('.') && !/\.(ts|html)$/.test(from))
        .map(({ from }) => `${file}: ${from}`),
    )
    expect(wrong).toEqual([])
  })

  it('a start loads nothing that is not wanted yet', () => {
    const loaded = new Set(['cli/start.ts', 'node/log.ts', 'node/serve.ts', 'node/settings.ts', 'settings/read.ts'])
    for (const file of loaded) {
      const { imports = [] } = sources.find((source) => source.file === file) ?? {}
      for (const { from, typeOnly } of imports) {
        if (!typeOnly) loaded.add(from.startsWith('.') ? relative(src, resolve(src, dirname(file), from)) : from)
      }
    }
    expect(loaded).toContain('room/room.ts')
    expect([...loaded].filter((file) => LATER.test(file))).toEqual([])
  })

  it('files are small: half of them under 100 lines, and those over 300 are known', () => {
    const lines = sources.map(({ file, code }) => ({ file, count: code.split('\n').length }))
    const sorted = lines.map(({ count }) => count).sort((a, b) => a - b)
    expect(sorted[sorted.length >> 1]).toBeLessThan(100)
    expect(
      lines
        .filter(({ count }) => count > 300)
        .map(({ file }) => file)
        .sort(),
    ).toEqual(Object.keys(LARGE).sort())
  })

  it('what judges the simulated worlds can be read at one sitting: under 100 lines', () => {
    expect(readFileSync(join(import.meta.dirname, 'sim/oracle.ts'), 'utf8').split('\n').length).toBeLessThanOrEqual(100)
  })
})
