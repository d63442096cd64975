import { connect, type Socket } from 'node:net'
import { tcpAddresses } from '../../targets/target.ts'
import { Answers } from './answers.ts'
import { parseEvent, type ServerEvent } from './events.ts'
import { Follower, type Transport } from './follower.ts'
import type { Query } from './http.ts'
import { Inbox } from './inbox.ts'

/** A TCP client: one event per line in, one operation per line out. Its hello is a line like any other. */
export class Line extends Follower {
  readonly socket: Socket
  /** Resolves with the `closing` that it was sent, or with nothing. */
  readonly ended: Promise<ServerEvent | undefined>
  readonly #answers = new Answers()
  readonly #welcomed = new Inbox<ServerEvent>('tcp, before its welcome')
  #closing: ServerEvent | undefined
  #begun = ''

  constructor(socket: Socket) {
    super('tcp')
    this.socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text) => this.#hear(`${text}`))
    socket.on('error', (error) => this.#end(error.message))
    socket.on('end', () => socket.end())
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        resolve(this.#closing)
        this.#end(this.#begun === '' ? 'it was ended' : `it was cut off within a line: ${this.#begun.slice(0, 200)}`)
      })
    })
  }

  /** To where a gateway takes TCP; half-open, so that it may say that it is done and hear on. */
  static dial(base: string, localAddress?: string): Line {
    const address = tcpAddresses.get(base)
    if (address === undefined) throw new Error(`${base} takes no TCP`)
    const { hostname, port } = new URL(address.replace(/^\w+/, 'http'))
    const from = localAddress === undefined ? {} : { localAddress }
    return new Line(connect({ host: hostname, port: Number(port), allowHalfOpen: true, ...from }))
  }

  static async open(base: string, room: string, query: Query & { token?: string } = {}): Promise<Line> {
    const line = Line.dial(base)
    line.send({ op: 'open', room, ...query })
    return line.greeting()
  }

  /** Resolves when it has its welcome. */
  async greeting(): Promise<this> {
    this.welcome = await this.#welcomed.next()
    return this
  }

  send(operation: object | string): void {
    this.socket.write(`${typeof operation === 'string' ? operation : JSON.stringify(operation)}\n`)
  }

  /** Sends an operation and resolves with what answers its `ref`; the answer does not stand in the inbox. */
  ask(operation: Record<string, unknown>): Promise<ServerEvent> {
    const ref = this.#answers.nextRef()
    const answer = this.#answers.expect(ref)
    this.send({ ...operation, ref })
    return answer
  }

  answer(ref: string | number): Promise<ServerEvent> {
    return this.#answers.expect(ref)
  }

  async close(): Promise<void> {
    this.socket.end()
    this.socket.resume()
    await this.ended
  }

  #hear(text: string): void {
    const lines = (this.#begun + text).split('\n')
    this.#begun = lines.pop() as string
    for (const line of lines) this.#dispatch(parseEvent(line))
  }

  #dispatch(event: ServerEvent): void {
    if (event.type === 'closing') this.#closing = event
    if (event.type === 'welcome') {
      this.greeted(event)
      this.#welcomed.push(event)
    } else if (!this.#answers.take(event)) this.receive(event)
  }

  #end(why: string): void {
    const all = this.#closing === undefined ? why : `${why} after ${JSON.stringify(this.#closing)}`
    for (const inbox of [this.#welcomed, this.inbox]) inbox.end(all)
    this.#answers.end(all)
  }
}

export const tcp: Transport = {
  name: 'tcp',
  open: (base, where, query) => {
    if (typeof where !== 'string') throw new Error('a TCP client follows one room')
    return Line.open(base, where, query)
  },
}
