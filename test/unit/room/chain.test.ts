import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { Chain, Link } from '../../../src/room/chain.ts'
import { range } from '../../conformance/suite.ts'

it('who is in a chain stands in the order of coming, whoever goes meanwhile', () => {
  const chain = new Chain<number>()
  const links = range(6).map((i) => new Link(i))
  for (const link of links) chain.add(link)
  for (const i of [0, 3, 5]) expect(chain.delete(links[i] as Link<number>)).toBe(true)
  expect(chain.delete(links[3] as Link<number>)).toBe(false)
  expect([chain.all, chain.size, chain.first]).toEqual([[1, 2, 4], 3, 1])
  chain.add(links[0] as Link<number>)
  expect(chain.all).toEqual([1, 2, 4, 0])
  expect([chain.find((i) => i > 1), chain.find((i) => i > 4)]).toEqual([2, undefined])
  expect(chain.lastThat((i) => i % 2 === 0)).toEqual([2, 4, 0])
  for (const i of [1, 2, 4, 0]) chain.delete(links[i] as Link<number>)
  expect([chain.all, chain.size, chain.first]).toEqual([[], 0, undefined])
})

it('FAN-1 who has come and gone does not stay in memory for those who come later', () => {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8'
    import { Chain, Link } from ${JSON.stringify(new URL('../../../src/room/chain.ts', import.meta.url))}
    const old = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space').space_used_size
    const chain = new Chain()
    const here = []
    const round = () => {
      for (let i = 0; i < 200; i++) {
        if (here[i]) chain.delete(here[i])
        chain.add((here[i] = new Link({ weight: new Array(50).fill(0.5) })))
      }
    }
    round()
    // What is there now is old; what comes is young, and gone before it could grow old.
    gc()
    const before = old()
    let most = 0
    for (let i = 0; i < 2000; i++) {
      round()
      if (i % 20 === 0) most = Math.max(most, old() - before)
    }
    console.log(most)`
  const said = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  // 0.2 MB; where it is a `Set` that they are in, 60 MB have grown old (Node 24, 2026-11).
  expect(Number(said)).toBeLessThan(8_000_000)
})
