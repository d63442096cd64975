import { expect, it } from 'vitest'
import { say } from '../conformance/clients/http.ts'
import { chapter, freshRoom, range } from '../conformance/suite.ts'
import { begin, holdline } from './run.ts'

const lines = (values: readonly unknown[]): string => values.map((value) => `${value}\n`).join('')

chapter('the command line', (gateway) => {
  const env = () => ({ HOLDLINE_URL: gateway.url })

  it('pub takes lines from a pipe, history gives them back in order, however many pages', async () => {
    const room = freshRoom()
    const all = lines(range(1200))
    expect(await holdline(['pub', room, '-'], env(), all)).toEqual({ code: 0, out: '', err: '' })
    expect(await holdline(['history', room, '--all'], env())).toEqual({ code: 0, out: all, err: '' })
    const newest = await holdline(['history', room, '--limit', '1100'], env())
    expect(newest.out).toBe(lines(range(1100, 100)))
  })

  it('sub follows several rooms, names each, and ends with the count', async () => {
    const [a, b] = [freshRoom(), freshRoom()]
    const running = begin(['sub', a, b, '--rewind', '5', '--count', '2'], env())
    await say(gateway.url, a, 'one\ntwo')
    await say(gateway.url, b, { three: 3 })
    const { code, out } = await running.ended
    expect(code).toBe(0)
    expect(out.trim().split('\n').sort()).toEqual([`${a}\tone\\ntwo`, `${b}\t{"three":3}`].sort())
  })

  it('sub --json gives whole events, whose cursor is where --from goes on', async () => {
    const room = freshRoom()
    await holdline(['pub', room], env(), 'first\nsecond\nthird\n')
    const whole = await holdline(['sub', room, '--from', '0-0', '--json', '--count', '1'], env())
    const event = JSON.parse(whole.out)
    expect(event).toMatchObject({ type: 'message', room, data: 'first', id: expect.any(String) })
    const rest = await holdline(['sub', room, '--from', event.cursor, '--count', '2'], env())
    expect(rest).toEqual({ code: 0, out: 'second\nthird\n', err: '' })
  })

  it('DATA-1 what was said comes as the text that it was: numbers that no program holds, a name that stands twice', async () => {
    const room = freshRoom()
    const said = '{"a":1.0,"a":1152921504606846977,"b":[1e400,"\\u00e9"]}'
    await holdline(['pub', room, '--json'], env(), lines([said, '-0']))
    const ends = ['sub', room, '--rewind', '9', '--count', '2']
    expect((await holdline(ends, env())).out).toBe(lines([said, '-0']))
    const whole = await holdline([...ends, '--json'], env())
    expect(whole.out.split('\n')[0]).toMatch(/^\{"type":"message",.*"cursor":/)
    expect(whole.out.split('\n')[0]).toContain(`,"data":${said}}`)
    expect((await holdline(['history', room], env())).out).toBe(lines([said, '-0']))
  })

  it('who and presence say who is there', async () => {
    const room = freshRoom()
    const following = begin(['sub', room, '--from', '0-0'], env())
    await say(gateway.url, room, 'ready')
    await following.says('ready')
    const { out } = await holdline(['who', room, '--json'], env())
    expect(JSON.parse(out)).toMatchObject({ connections: ['websocket'], present: false })
    expect((await holdline(['who', room], env())).out).toMatch(/^\S+ {2}- {2}websocket {2}false {2}-\n$/)
    expect(await holdline(['presence', room], env())).toEqual({ code: 0, out: '', err: '' })
  })

  it('doctor finds nothing wrong where nothing is', async () => {
    const { code, out, err } = await holdline(['doctor'], env())
    expect({ code, err, wrong: out.match(/^(wrong|warning).*/gm) }).toEqual({ code: 0, err: '', wrong: null })
    expect(out).toMatch(/^ok +websocket +first event in \d+ ms, echo in \d+ ms$/m)
    expect(out).toMatch(/^ok +sse +first event in \d+ ms, unbuffered$/m)
    expect(out).toMatch(/^ok +poll +held for 2 s as asked/m)
  })
})
