import { start } from '../../src/cli/start.ts'
import { TicTacToe } from './room.ts'

await start({ room: TicTacToe })
