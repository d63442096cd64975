import { expect, test } from 'vitest'
import { chapter } from '../conformance/suite.ts'
import { announce, Random, seed } from '../soak/random.ts'
import { paths, walk } from './paths.ts'
import { read } from './reading.ts'

announce('client/paths')
const MESSAGES = 1000

chapter('the client SDK', (gateway) => {
  test.each(Object.entries(paths))(`%s ${MESSAGES} messages come once, in order (seed ${seed})`, async (name, path) => {
    const figures = await walk(gateway.url, path, MESSAGES, new Random(seed).fork(name), read)
    expect(figures.transports.split(' → ').at(-1)).toBe(path.ends)
    console.log(gateway.target.name, name, figures)
  })
})
