/** What both runtimes share: the class that applications extend, and what it takes and throws. */
export { Refusal } from './protocol/errors.ts'
export { Incoming } from './room/incoming.ts'
export { type BroadcastOptions, Room, type Session } from './room/room.ts'
