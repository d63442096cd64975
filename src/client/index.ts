import type { Client, ClientOptions } from './client.ts'
import { environment } from './environment.ts'
import { Hub } from './hub.ts'
import { watchNetwork } from './network.ts'

export type { Gap } from '../protocol/events.ts'
export type { Client, ClientEvents, ClientOptions, ClientState } from './client.ts'
export type { Unlisten } from './emitter.ts'
export { HoldlineError } from './errors.ts'
export type { Invalid, Message } from './message.ts'
export type { Published } from './outbox.ts'
export type { Feed, GapEvent, Page, PublishOptions, Room, RoomEvents, RoomOptions, State } from './room.ts'
export { InvalidData, type Issue, type Schema } from './schema.ts'
export type { TokenSource } from './token.ts'
export type { Member, PresenceEvent, TransportName } from './transports/wire.ts'

/**
 * A client of the gateway at `url`, such as `https://realtime.example.com`. It connects when it is given a room.
 * It goes on until it is closed, by `close()` or by the gateway for good.
 */
export function connect(url: string | URL, options: ClientOptions = {}): Client {
  const hub = new Hub(url, options, environment)
  watchNetwork(hub)
  return hub
}
