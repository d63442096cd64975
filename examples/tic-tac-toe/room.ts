import { type Incoming, Refusal, Room, type Session } from '../../src/index.ts'

type Mark = 'X' | 'O'

interface Game {
  readonly players: Partial<Record<Mark, string>>
  readonly board: (Mark | null)[]
  turn: Mark
  winner: Mark | 'nobody' | null
}

const LINES = [
  [0, 1, 2],
  [3, 4, 5],
  [6, 7, 8],
  [0, 3, 6],
  [1, 4, 7],
  [2, 5, 8],
  [0, 4, 8],
  [2, 4, 6],
] as const

const newGame = (): Game => ({ players: {}, board: Array(9).fill(null), turn: 'X', winner: null })

/** A game between the first two who come; others watch. Players may think for days: the state outlives the room's sleep. */
export class TicTacToe extends Room<Game> {
  override onOpen(session: Session): void {
    this.state ??= newGame()
    const { players } = this.state
    if (players.X === undefined) players.X = session.id
    else if (players.O === undefined) players.O = session.id
    this.send(session, { you: this.#markOf(session) ?? 'watching', ...this.#view(this.state) })
    this.broadcast(this.#view(this.state), { except: [session.id] })
  }

  override onMessage(session: Session | null, message: Incoming): void {
    const game = this.state
    const { cell } = (message.data ?? {}) as { cell?: unknown }
    const mark = session === null ? undefined : this.#markOf(session)
    if (game === null || mark === undefined) throw new Refusal('forbidden', 'Only players move')
    if (game.winner !== null) throw new Refusal('forbidden', 'The game is over')
    if (game.turn !== mark) throw new Refusal('forbidden', 'It is not your turn')
    if (typeof cell !== 'number' || game.board[cell] !== null) {
      throw new Refusal('bad_request', '`cell` must be the number of an empty cell, 0 to 8')
    }
    game.board[cell] = mark
    game.turn = mark === 'X' ? 'O' : 'X'
    game.winner = winnerOf(game.board)
    this.broadcast(this.#view(game))
  }

  #markOf({ id }: Session): Mark | undefined {
    const { X, O } = this.state?.players ?? {}
    return id === X ? 'X' : id === O ? 'O' : undefined
  }

  #view({ board, turn, winner }: Game): object {
    return { board, turn, winner }
  }
}

function winnerOf(board: Game['board']): Game['winner'] {
  for (const [a, b, c] of LINES) {
    const mark = board[a]
    if (mark && mark === board[b] && mark === board[c]) return mark
  }
  return board.includes(null) ? null : 'nobody'
}
