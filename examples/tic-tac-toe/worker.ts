import { createRoomObject, createWorker } from '../../src/cloudflare/index.ts'
import { TicTacToe } from './room.ts'

export class RoomObject extends createRoomObject(TicTacToe) {}

export default createWorker()
