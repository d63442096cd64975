import type { Gap } from '../protocol/events.ts'
import { toBase64, unguessable } from './bytes.ts'
import type { Unlisten } from './emitter.ts'
import type { Feed, Follower, RoomEvents, State } from './follower.ts'
import { decode, type Invalid, type Message } from './message.ts'
import type { Item, Published } from './outbox.ts'
import { InvalidData, type Schema, validate } from './schema.ts'
import type { Member, RawMessage } from './transports/wire.ts'

export interface PublishOptions {
  /** Under the same id it is published once, however often it is sent. Default: a new one. */
  readonly id?: string
  readonly event?: string
  /** Who alone gets it. */
  readonly to?: { readonly sessions?: readonly string[]; readonly users?: readonly string[] }
  /** Sessions that do not get it. */
  readonly except?: readonly string[]
  /** Default: the publisher gets it too. */
  readonly echo?: boolean
  /** For those who are there now, never logged, and not kept for when there is a connection again. */
  readonly ephemeral?: boolean
}

export interface Page<T> {
  readonly messages: readonly (Message<T> | Invalid)[]
  /** To go on from with `after`. */
  readonly next: string
  /** To go back from with `before`; null when nothing older is kept. */
  readonly prev: string | null
  readonly gap?: Gap
}

/** What a room needs of its client. */
export interface RoomHost {
  send(item: Item): void
  /** @throws HoldlineError */
  get<Answer>(room: string, path: string, query: Readonly<Record<string, string>>): Promise<Answer>
  leave(room: string): void
}

/** One room that a client follows. */
export class Room<T = unknown> implements AsyncIterable<Feed<T>> {
  readonly name: string
  readonly #host: RoomHost
  readonly #follower: Follower<T>
  readonly #schema: Schema<T> | undefined

  constructor(name: string, follower: Follower<T>, schema: Schema<T> | undefined, host: RoomHost) {
    this.name = name
    this.#follower = follower
    this.#schema = schema
    this.#host = host
  }

  on<Name extends keyof RoomEvents<T>>(name: Name, listener: (value: RoomEvents<T>[Name]) => void): Unlisten {
    return this.#follower.events.on(name, listener)
  }

  get state(): State {
    return this.#follower.state
  }

  /** Who the client is to the others: the `from` of its messages. Empty until the first welcome. */
  get session(): string {
    return this.#follower.session
  }

  /** All up to here was handed out: what to keep for the next start. */
  get cursor(): string | undefined {
    return this.#follower.cursor
  }

  /** Who is here, with `presence`: in a room of more than 500 a sample. */
  get members(): ReadonlyMap<string, Member> {
    return this.#follower.members.all
  }

  /** How many are here, with `presence`. */
  get count(): number {
    return this.#follower.members.count
  }

  /**
   * Publishes a value (as JSON) or bytes; resolves when it is committed. It is kept while there is no connection, and
   * tried again under its id until it is answered.
   * @throws HoldlineError
   */
  async publish(
    data: T | Uint8Array,
    { id = unguessable(), ephemeral = false, ...rest }: PublishOptions = {},
  ): Promise<Published> {
    const isBytes = data instanceof Uint8Array
    const checked = isBytes ? data : await validate(this.#schema, data)
    if (checked instanceof InvalidData) throw checked
    const body = isBytes ? { bytes: toBase64(data) } : { data }
    return this.#send('publish', { ...rest, id, ...body, ...(ephemeral && { ephemeral }) }, ephemeral)
  }

  /** Says something of this session to all who hear of presence, of at most 1 KiB as JSON; null is nothing. */
  async setPresence(state: unknown): Promise<void> {
    this.#follower.presence = JSON.stringify(state)
    await this.#send('presence', { state }, false)
  }

  /** Who is here, asked of the gateway. */
  presence(): Promise<{ count: number; members: readonly Member[] }> {
    return this.#host.get(this.name, 'presence', {})
  }

  /** What was said, oldest first; 100 by default, 1,000 at most. */
  async history(query: { after?: string; before?: string; limit?: number } = {}): Promise<Page<T>> {
    const asked = Object.entries(query).map(([name, value]): [string, string] => [name, `${value}`])
    type Raw = Omit<Page<T>, 'messages'> & { messages: RawMessage[] }
    const { messages, ...page } = await this.#host.get<Raw>(this.name, 'messages', Object.fromEntries(asked))
    return { ...page, messages: await Promise.all(messages.map((raw) => decode(raw, this.#schema))) }
  }

  leave(): void {
    this.#host.leave(this.name)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Feed<T>, undefined> {
    return this.#follower.read()
  }

  #send(op: Item['op'], fields: object, isEphemeral: boolean): Promise<Published> {
    const text = JSON.stringify(fields).slice(1, -1)
    return new Promise((resolve, reject) => {
      this.#host.send({
        op,
        room: this.name,
        fields: text,
        isEphemeral,
        done: (error, answer) => (error === undefined ? resolve(answer as Published) : reject(error)),
      })
    })
  }
}
