import { expect, it } from 'vitest'
import { Framed } from '../conformance/clients/websocket.ts'
import { chapter, freshRoom, freshSecret, type Gateway } from '../conformance/suite.ts'

const empty = Array(9).fill(null)

interface Player {
  readonly secret: string
  readonly socket: Framed
}

async function sitDown(gateway: Gateway, room: string, secret = freshSecret()): Promise<Player> {
  return { secret, socket: await Framed.open(gateway.url, room, { resume: secret }) }
}

const move = ({ socket }: Player, cell: number) => socket.ask({ op: 'publish', data: { cell } })

async function twoPlayers(gateway: Gateway, room: string): Promise<[Player, Player]> {
  const x = await sitDown(gateway, room)
  expect((await x.socket.messages(1))[0]?.data).toEqual({ you: 'X', board: empty, turn: 'X', winner: null })
  const o = await sitDown(gateway, room)
  expect((await o.socket.messages(1))[0]?.data).toMatchObject({ you: 'O' })
  await x.socket.messages(1)
  return [x, o]
}

chapter(
  'the tic-tac-toe example',
  (gateway) => {
    it('is played in turns, to the end', async () => {
      const room = freshRoom()
      const [x, o] = await twoPlayers(gateway, room)
      expect(await move(o, 0)).toMatchObject({ type: 'error', code: 'forbidden', message: 'It is not your turn' })
      for (const [player, cell] of [
        [x, 0],
        [o, 3],
        [x, 1],
        [o, 4],
      ] as const) {
        expect(await move(player, cell)).toMatchObject({ type: 'ack' })
      }
      expect(await move(x, 4)).toMatchObject({ type: 'error', code: 'bad_request' })
      await move(x, 2)
      const board = ['X', 'X', 'X', 'O', 'O', null, null, null, null]
      expect((await o.socket.messages(5)).at(-1)?.data).toEqual({ board, turn: 'O', winner: 'X' })
      expect(await move(o, 5)).toMatchObject({ code: 'forbidden', message: 'The game is over' })
    })

    it('a retried move is made once', async () => {
      const room = freshRoom()
      const [x] = await twoPlayers(gateway, room)
      const publish = { op: 'publish', id: 'first-move', data: { cell: 4 } }
      const first = await x.socket.ask(publish)
      expect(await x.socket.ask(publish)).toMatchObject({ type: 'ack', cursor: first.cursor, duplicate: true })
    })

    it('its state outlives the death of the process', async () => {
      const room = freshRoom()
      const [x, o] = await twoPlayers(gateway, room)
      await move(x, 4)
      await gateway.running.crash()
      const again = await sitDown(gateway, room, o.secret)
      expect(await move(again, 4)).toMatchObject({ code: 'bad_request' })
      expect(await move(again, 0)).toMatchObject({ type: 'ack' })
      const [after] = await again.socket.messages(1)
      expect(after?.data).toMatchObject({ board: ['O', null, null, null, 'X', null, null, null, null], turn: 'X' })
    })

    it('its state outlives sleep between any two moves, where rooms sleep', async () => {
      const room = freshRoom()
      const [x, o] = await twoPlayers(gateway, room)
      const { evict } = gateway.running
      for (const [player, cell] of [
        [x, 0],
        [o, 1],
        [x, 3],
        [o, 4],
        [x, 6],
      ] as const) {
        // On Node a room that is in use does not sleep; there the same game is played without.
        await evict?.(room, 'hibernate')
        expect(await move(player, cell)).toMatchObject({ type: 'ack' })
      }
      expect((await o.socket.messages(5)).at(-1)?.data).toMatchObject({ winner: 'X' })
    })
  },
  { app: 'tic-tac-toe' },
)
