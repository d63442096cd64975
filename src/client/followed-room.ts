import { toBase64, unguessable } from './bytes.ts'
import { Follower } from './follower.ts'
import { decode } from './message.ts'
import type { Item, Published } from './outbox.ts'
import type { Query } from './requests.ts'
import type { Page, PublishOptions, Room, RoomOptions } from './room.ts'
import { InvalidData, validate } from './schema.ts'
import type { Member, RawMessage } from './transports/wire.ts'

/** What a room needs of its client. */
export interface RoomHost {
  send(item: Item): void
  /** @throws HoldlineError */
  get<Answer>(room: string, path: string, query: Query): Promise<Answer>
  leave(room: string): void
  /** Somebody has read on. */
  wasRead(): void
}

/** A room as its follower uses it: what it hears, and what it has to say. */
export class FollowedRoom<T = unknown> extends Follower<T> implements Room<T> {
  readonly #host: RoomHost

  constructor(name: string, options: RoomOptions<T>, host: RoomHost) {
    super(name, options)
    this.#host = host
  }

  async publish(
    data: T | Uint8Array,
    { id = unguessable(), ephemeral = false, ...rest }: PublishOptions = {},
  ): Promise<Published> {
    const isBytes = data instanceof Uint8Array
    const checked = isBytes ? data : await validate(this.options.schema, data)
    if (checked instanceof InvalidData) throw checked
    const body = isBytes ? { bytes: toBase64(data) } : { data }
    return this.#send('publish', { ...rest, id, ...body, ...(ephemeral && { ephemeral }) }, ephemeral)
  }

  async setPresence(state: unknown = null): Promise<void> {
    this.own = JSON.stringify(state)
    await this.#send('presence', { state }, false)
  }

  presence(): Promise<{ count: number; members: readonly Member[] }> {
    return this.#host.get(this.name, 'presence', {})
  }

  async history(query: Query = {}): Promise<Page<T>> {
    type Raw = Omit<Page<T>, 'messages'> & { messages: RawMessage[] }
    const { messages, ...page } = await this.#host.get<Raw>(this.name, 'messages', query)
    return { ...page, messages: await Promise.all(messages.map((raw) => decode(raw, this.options.schema))) }
  }

  leave(): void {
    this.#host.leave(this.name)
  }

  protected wasRead(): void {
    this.#host.wasRead()
  }

  protected restate(): void {
    this.setPresence(JSON.parse(`${this.own}`)).catch((error) => this.fail(error))
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
