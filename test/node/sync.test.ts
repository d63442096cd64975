import { join } from 'node:path'
import { expect, it } from 'vitest'
import { wholeHistory } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, range } from '../conformance/suite.ts'
import { folder, start } from './gateway.ts'

const PATIENCE = 60_000

it.each(['normal', 'full'])(
  'STORE-1 with HOLDLINE_SYNC=%s all that was acknowledged is there after SIGKILL, and after SIGTERM',
  async (sync) => {
    const data = join(folder(), 'rooms.db')
    const rooms = range(4).map(() => freshRoom())
    const acknowledged = new Map<string, string[]>(rooms.map((room) => [room, []]))
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const gateway = await start({ HOLDLINE_DATA: data, HOLDLINE_SYNC: sync })
      const publishers = rooms.map(async (room) => {
        const own = acknowledged.get(room) as string[]
        const framed = await Framed.open(gateway.base, room)
        // Some at once, so that commits have more than one to write and something waits while the disk is waited for.
        const publish = async (i: number) => {
          const { type, cursor } = await framed.ask({ op: 'publish', data: i, echo: false })
          if (type !== 'ack') throw new Error(`not acknowledged: ${type}`)
          own.push(`${cursor} ${i}`)
        }
        for (let i = 0; ; i += 5) await Promise.all(range(5, i).map(publish))
      })
      const cutOff = Promise.allSettled(publishers)
      const many = () => [...acknowledged.values()].every((own) => own.length > 50 * (signal === 'SIGKILL' ? 1 : 2))
      while (!many()) await new Promise((resolve) => setImmediate(resolve))
      await gateway.end(signal)
      expect(new Set((await cutOff).map(({ status }) => status))).toEqual(new Set(['rejected']))
    }
    const { base, end } = await start({ HOLDLINE_DATA: data, HOLDLINE_SYNC: sync })
    for (const room of rooms) {
      const kept = (await wholeHistory(base, room)).map(({ cursor, data }) => `${cursor} ${data}`)
      expect(kept).toEqual([...kept].sort())
      expect(new Set(kept).size).toBe(kept.length)
      const missing = acknowledged.get(room)?.filter((each) => !kept.includes(each))
      expect(missing).toEqual([])
    }
    await end()
  },
  PATIENCE,
)
