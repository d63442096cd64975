import { expect, it } from 'vitest'
import { SseParser } from '../../../src/client/transports/sse-parser.ts'

const STREAM = 'retry: 1500\nid: 0-0\nevent: welcome\ndata: {"a":"x: y"}\n\n:\n\nid: c1\n\ndata: é😀\n\n'
const BLOCKS = [{ retry: '1500', id: '0-0', data: '{"a":"x: y"}' }, {}, { id: 'c1' }, { data: 'é😀' }]

it('reads blocks wherever they are cut', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new SseParser()
    expect([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]).toEqual(BLOCKS)
  }
})
