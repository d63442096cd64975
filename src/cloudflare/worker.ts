import { createWorker } from './create-worker.ts'
import { createRoomObject } from './room-object.ts'

/** What `wrangler deploy` deploys: rooms that pass messages on. An application's own worker looks the same. */
export class RoomObject extends createRoomObject() {}

export default createWorker()
