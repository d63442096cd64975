import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

const documented = [...readFileSync(join(root, 'docs/protocol.md'), 'utf8').matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm)].map(
  ([, id]) => `${id}`,
)

/** The titles of `test(…)` and `it(…)`, also of their `.each(…)` and the like. */
function titles(source: string): string[] {
  const calls = source.matchAll(/(?:\b(?:test|it)\b[^'"`]*?\(|\]\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1/g)
  return [...calls].map(([, , title]) => `${title}`)
}

/** The names of scenarios, which `it.each` makes titles of. */
const stories = (source: string): string[] =>
  [...source.matchAll(/^ {2}'([^'\n]+)': \{$/gm)].map(([, name]) => `${name}`)

function proved(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const file of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
    const isScenarios = file.endsWith('scenarios.ts')
    if (!(file.endsWith('.test.ts') || isScenarios) || file === 'rules.test.ts') continue
    const source = readFileSync(join(root, 'test', file), 'utf8')
    for (const title of isScenarios ? stories(source) : titles(source)) {
      for (const [id] of title.matchAll(/\b[A-Z]+-\d+\b/g))
        found.set(id, [...(found.get(id) ?? []), `${file}: ${title}`])
    }
  }
  return found
}

test('docs/protocol.md has rules, each once', () => {
  expect(documented.length).toBeGreaterThan(50)
  expect(documented.filter((id, i) => documented.indexOf(id) !== i)).toEqual([])
})

test('each rule of docs/protocol.md stands in the title of a test', () => {
  const tested = proved()
  expect(documented.filter((id) => !tested.has(id))).toEqual([])
})

test('each rule that a title names stands in docs/protocol.md', () => {
  const areas = new Set(documented.map((id) => id.split('-')[0]))
  const unknown = [...proved()].filter(([id]) => areas.has(id.split('-')[0]) && !documented.includes(id))
  expect(unknown).toEqual([])
})

test('titles are found where they stand', () => {
  const source = [
    "test('A-1 x', …)",
    'test.each([1, 2])("A-2 it\'s", …)',
    'it.for(list)(`A-3 x`, …)',
    "test.each([\n['a'],\n])(\n'A-4')",
    "test(\n'A-5'",
  ]
  expect(source.flatMap(titles).join()).toMatch(/A-1 x,A-2 it's,A-3 x,.*A-4,A-5/)
})
