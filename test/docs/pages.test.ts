import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configuration, metrics } from '../../src/cli/docs.ts'
import { METRICS } from '../../src/node/metrics/definitions.ts'
import { ALL } from '../../src/settings/list.ts'
import { checkSettings } from '../../src/settings/read.ts'
import { root } from '../targets/target.ts'
import { blocks, ELSEWHERE } from './blocks.ts'
import { pages, type Snippet, snippets } from './snippets.ts'

describe('data in the docs', () => {
  it.each(blocks.json)('$page: $code is JSON', ({ code }) => void JSON.parse(code))

  it.each(blocks.vars)('$page: $code is taken by the edge', async ({ code }) => {
    const lines = [...code.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name, value]) => [name, value])
    expect(lines).toHaveLength(code.trim().split('\n').length - 1)
    expect((await checkSettings({ HOLDLINE_OPEN: '1', ...Object.fromEntries(lines) }, 'edge')).wrong ?? []).toEqual([])
  })

  it.each(blocks.worker)('$page: $code is what wrangler.toml has, of the package', ({ code }) => {
    const own = readFileSync(join(root, 'wrangler.toml'), 'utf8').split('\n')
    const lines = code.trim().split('\n')
    expect(lines.filter((line) => !own.includes(line) && !/^(main|directory) = /.test(line))).toEqual([])
    const [, folder] = /^directory = "node_modules\/holdline\/(.+)"$/m.exec(code) ?? []
    expect(own).toContain(`directory = "${folder}"`)
  })

  it.each(blocks.scrapes)('$page: $code asks for what there is', ({ code }) => {
    // No parser for one block: what Prometheus takes is a list of jobs, each with its targets.
    expect(code).toMatch(/^scrape_configs:\n {2}- job_name: holdline\n/)
    expect(code.split('\n').filter((line) => !/^( *(- )?\w+: ?.*|)$/.test(line))).toEqual([])
  })
})

describe('metrics in the docs', () => {
  it('OPS-5 docs/metrics.md is what `npm run docs` makes', () => {
    expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8')).toBe(metrics())
  })

  it.each(['docs/operations.md', 'docs/grafana-dashboard.json'])('OPS-5 %s names metrics that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const named = [...text.matchAll(/\bholdline_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
    expect(named.length).toBeGreaterThan(5)
    const names: string[] = METRICS.map(({ name }) => name)
    expect(named.filter((name) => !names.includes(name))).toEqual([])
  })

  it('OPS-5 the dashboard shows every metric, in panels that do not overlap', () => {
    const text = readFileSync(join(root, 'docs/grafana-dashboard.json'), 'utf8')
    const { panels } = JSON.parse(text) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number }; targets: { expr: string }[] }[]
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
    const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join()
    expect(METRICS.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([])
  })
})

describe('blocks in the docs', () => {
  it('each is run, or checked by what its language is', () => {
    const known = new Set<Snippet>(Object.values(blocks).flat())
    const alone = snippets.filter((snippet) => !known.has(snippet) && ELSEWHERE[snippet.language] === undefined)
    expect(alone.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([])
  })

  const tests = globSync('*.test.ts', { cwd: import.meta.dirname })
  const used = tests.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('\n')

  it.each(Object.entries(blocks))('there are some of %s, and a test takes them', (name, found) => {
    expect(found.length).toBeGreaterThan(0)
    expect(used).toMatch(new RegExp(`(each|for)\\(blocks\\.${name}\\)|blocks\\.${name}\\.filter\\(`))
  })

  it.each(Object.entries(ELSEWHERE))('%s is what test/%s reads', (_, file) => {
    expect(readFileSync(join(root, 'test', file), 'utf8')).toContain("from './snippets.ts'")
  })
})

describe('settings in the docs', () => {
  it('docs/configuration.md is what `npm run docs` makes', () => {
    const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
    expect(page).toBe(configuration())
    // Such as what a wrong start says.
    expect(blocks.made.filter(({ code }) => !page.includes(code))).toEqual([])
  })

  const example = configuration().slice(0, configuration().indexOf('\n## The server'))
  const names = ALL.map(({ name }) => name)

  it.each([...pages, ...globSync('examples/**/*.md', { cwd: root })])('%s names settings that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(example, '')
    const named = [...text.matchAll(/\bHOLDLINE_[A-Z_]*[A-Z]/g)].map(([name]) => name)
    expect(named.filter((name) => !names.includes(name))).toEqual([])
  })

  // What a setting is read as proves nothing of what it does.
  const READING = /unit\/settings|settings\.test|unconfigured\.test|docs\/pages\.test/
  const proofs = globSync('test/**/*.ts', { cwd: root }).filter((file) => !READING.test(file))
  const proved = proofs.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')

  it.each(ALL)('$name has an effect: a test sets it', ({ name }) => {
    expect(new RegExp(`\\b${name}\\b`).test(proved)).toBe(true)
  })
})
