export { Refusal } from '../protocol/errors.ts'
export { type BroadcastOptions, Room, type Session } from '../room/room.ts'
export { createWorker, type Env } from './create-worker.ts'
export { createRoomObject } from './room-object.ts'
