export { Refusal } from '../protocol/errors.ts'
export { Incoming } from '../room/incoming.ts'
export { type BroadcastOptions, Room, type Session } from '../room/room.ts'
export { type Gateway, type ServeOptions, serve } from './serve.ts'
