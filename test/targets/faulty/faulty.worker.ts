import { createRoomObject, createWorker } from '../../../src/cloudflare/index.ts'
import { FaultyRoom } from './room.ts'

export class RoomObject extends createRoomObject(FaultyRoom) {}

export default createWorker()
