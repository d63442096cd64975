import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Rooms, RoomsOptions } from '../../../src/node/rooms.ts'
import type { Session } from '../../../src/room/room.ts'
import { FaultyRoom } from '../../targets/faulty/room.ts'
import { open } from './open.ts'

beforeEach(
  () => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] }),
)
afterEach(() => void vi.useRealTimers())

/** Seconds go by, and what is due happens: work of the event loop's own turns takes no time. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await vi.advanceTimersByTimeAsync(1000)
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Rooms, but for the one that keeps what was revoked everywhere, and stays. */
function inMemory(rooms: Rooms): number {
  rooms.isRevoked({})
  return rooms.look().rooms - 1
}

it.each([
  ['does not come back has gone when the grace is over', false],
  ['comes back has never gone', true],
])('OPS-3, SES-1 who was sent away since a commit could not be told and %s', async (_, isBack) => {
  const closes: string[] = []
  class Watched extends FaultyRoom {
    override onClose({ id }: Session): void {
      closes.push(id)
    }
  }
  const { rooms, publish, follow, closed } = open({ room: Watched })
  const here = async () => {
    const reply = await rooms.get('lobby').command({ type: 'presence' })
    return reply.type === 'presence' ? reply.list.members.map(({ session }) => session) : reply
  }
  follow('lobby', { session: 'ann', presence: '' })
  await pass(1)
  expect(await here()).toEqual(['ann'])
  const reply = publish('lobby', 'untold')
  await pass(1)
  expect([await reply, closed]).toMatchObject([{ type: 'published' }, [4012]])
  if (isBack) follow('lobby', { session: 'ann', presence: '' })
  await pass(20)
  expect([await here(), closes]).toEqual([['ann'], []])
  await pass(15)
  expect([await here(), closes]).toEqual(isBack ? [['ann'], []] : [[], ['ann']])
  await pass(60)
  expect([closes.length, inMemory(rooms)]).toEqual(isBack ? [0, 1] : [1, 0])
  await rooms.close()
})

it('HOOK-3 a backend is told on when a commit could not be, and nothing again and again', async () => {
  const sent: string[] = []
  let answer = (): void => {}
  const backend = {
    waiting: 10_000,
    deliveries: { buried: 0 },
    tells: () => ['message'],
    asks: () => false,
    send: async (_: string, rows: readonly { key: string; events: string }[]) => {
      sent.push(...rows.map(({ key }) => key))
      if (sent.length === 1) {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
      }
      return { isTaken: true }
    },
  } as unknown as NonNullable<RoomsOptions['backend']>
  const { rooms, publish } = open({ room: FaultyRoom, backend })
  const first = publish('lobby', 'first')
  await pass(1)
  // While the first is on its way.
  const second = publish('lobby', 'untold')
  await pass(1)
  expect([await first, await second, sent.length]).toMatchObject([{ type: 'published' }, { type: 'published' }, 1])
  answer()
  await pass(120)
  expect(new Set(sent).size).toBe(2)
  // What was on its way may be told twice.
  expect(sent.length).toBeLessThanOrEqual(3)
  expect(inMemory(rooms)).toBe(0)
  await rooms.close()
})
