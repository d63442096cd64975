import { createRoomObject, createWorker } from '../../src/cloudflare/index.ts'
import { Chat } from './room.ts'

export class RoomObject extends createRoomObject(Chat) {}

export default createWorker()
