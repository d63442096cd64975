import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { wholeHistory } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { folder, start } from './gateway.ts'

const DEATHS = ['dies-unwritten', 'dies-unsaid', 'dies-later']

const preload = pathToFileURL(join(import.meta.dirname, 'dying-writer.ts')).href

it('DRAIN-1 a disk that is slow keeps nobody from being sent away in time, and what waits for it is written', async () => {
  const data = join(folder(), 'rooms.db')
  const env = { HOLDLINE_DATA: data, HOLDLINE_SYNC: 'full', NODE_OPTIONS: `--import ${preload}` }
  const { base, child, said } = await start(env)
  const [room, other] = [freshRoom(), freshRoom()]
  const [publisher, reader] = [await Framed.open(base, room), await Framed.open(base, other)]
  publisher.send({ op: 'publish', data: 'waits' })
  await publisher.ask({ op: 'history' })
  const began = Date.now()
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  for (const each of [publisher, reader]) {
    expect((await each.inbox.until(({ type }) => type === 'closing')).at(-1)).toMatchObject({ code: 4000 })
  }
  expect(Date.now() - began).toBeLessThan(4000)
  expect(await gone).toEqual([0, null])
  expect(Date.now() - began).toBeLessThan(10_000)
  expect(said()).not.toContain('"error"')
  const again = await start({ HOLDLINE_DATA: data })
  expect((await wholeHistory(again.base, room)).map(({ data }) => data)).toEqual(['waits'])
})

it('STORE-1, OPS-3 a writer dies again and again: what is acknowledged is in the log, what is refused is not, and readers hear the log', async () => {
  const { base, end } = await start({
    HOLDLINE_DATA: join(folder(), 'rooms.db'),
    HOLDLINE_SYNC: 'full',
    NODE_OPTIONS: `--import ${preload}`,
  })
  const rooms = range(3).map(() => freshRoom())
  const readers = await Promise.all(rooms.map((room) => Framed.open(base, room)))
  const answered = await Promise.all(
    rooms.map(async (room, which) => {
      const publisher = await Framed.open(base, room)
      // Some at once, so that a row holds more than one and something waits while the writer dies: of each death it dies
      // in two rooms, and all of them share commits.
      const words = range(6).map((turn) => (turn % 3 === which ? DEATHS[Math.floor(turn / 2)] : undefined))
      const answers = []
      for (const [turn, word = 'lives'] of words.entries()) {
        const data = range(3).map((i) => `${turn}.${i} ${i === 1 ? word : 'lives'}`)
        answers.push(
          ...(await Promise.all(
            data.map(async (data) => ({ data, told: await publisher.ask({ op: 'publish', data }) })),
          )),
        )
      }
      // What dies later has been acknowledged, and may take with it what comes next.
      await expect.poll(() => publisher.ask({ op: 'publish', data: 'last' })).toMatchObject({ type: 'ack' })
      return answers
    }),
  )
  for (const [which, room] of rooms.entries()) {
    const log = (await wholeHistory(base, room)).map(({ cursor, data }) => ({ cursor, data }))
    for (const { data, told } of answered[which] ?? []) {
      const kept = log.filter((each) => each.data === data)
      if (told.type === 'ack') expect(kept).toEqual([{ data, cursor: told.cursor }])
      // Also what was written by one that did not live to say so is known to be.
      else expect([data, told.code, told.message, kept]).toEqual([data, 'storage', told.message, []])
      if (data.endsWith('dies-unwritten')) expect([data, told]).toMatchObject([data, { type: 'error' }])
    }
    const heard = await readers[which]?.messages(log.length)
    expect(heard?.map(({ cursor, data }) => ({ cursor, data }))).toEqual(log)
  }
  await end()
})
