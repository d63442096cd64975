import { WebSocket } from 'ws'
import { Answers } from './answers.ts'
import { parseEvent, type ServerEvent } from './events.ts'
import { Follower, type Transport } from './follower.ts'
import { type Query, url, type Where } from './http.ts'
import { Inbox } from './inbox.ts'
import { elements } from './rawjson.ts'

export interface Closed {
  code: number
  reason: string
}

export const socketUrl = (base: string, where: Where, query: Query = {}): string =>
  url(base, where, '/ws', query).replace(/^http/, 'ws')

const OPTIONS = {
  perMessageDeflate: false,
  maxPayload: 0,
  // workerd lets TCP linger for ten seconds behind a close of its own, until the object sleeps (2026-11). The code has
  // come long before; and a close of ours that is not answered by then is reported as 1006.
  closeTimeout: 1500,
}

abstract class SocketFollower extends Follower {
  readonly socket: WebSocket
  readonly closed: Promise<Closed>

  constructor(name: string, address: string, protocols: string[]) {
    super(name)
    this.socket = new WebSocket(address, protocols, OPTIONS)
    this.socket.on('message', (data: Buffer, binary) => this.hear(data, binary))
    this.socket.on('error', (error) => this.inbox.end(error.message))
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        resolve({ code, reason: `${reason}` })
        this.inbox.end(`closed with ${code} ${reason}`)
      })
    })
  }

  protected abstract hear(data: Buffer, binary: boolean): void

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
  }

  async close(code?: number, reason?: string): Promise<void> {
    this.socket.close(code, reason)
    await this.closed
  }
}

export class Framed extends SocketFollower {
  /** Every WebSocket message of the server, as it came. */
  readonly packs: string[] = []
  readonly #answers = new Answers()
  readonly #welcomed = new Inbox<ServerEvent>('framed, before its welcome')

  constructor(base: string, where: Where, query: Query = {}, protocols = ['holdline.v1']) {
    super('framed', socketUrl(base, where, query), protocols)
    this.closed.then(({ code, reason }) => {
      this.#welcomed.end(`closed with ${code} ${reason}`)
      this.#answers.end(`closed with ${code}`)
    })
    this.socket.on('error', (error) => this.#welcomed.end(error.message))
  }

  static async open(base: string, where: Where, query: Query = {}): Promise<Framed> {
    const framed = new Framed(base, where, query)
    for (const _ of [where].flat()) framed.welcome = await framed.#welcomed.next()
    return framed
  }

  protected hear(data: Buffer, binary: boolean): void {
    const text = data.toString()
    this.packs.push(text)
    if (binary || !text.startsWith('[')) this.inbox.end(`not a text message with an array: ${text.slice(0, 200)}`)
    else for (const each of elements(text)) this.#dispatch(parseEvent(each))
  }

  #dispatch(event: ServerEvent): void {
    if (event.type === 'probe') this.send({ op: 'probe', n: event.n })
    if (event.type === 'welcome') this.greeted(event)
    if (this.#answers.take(event)) return
    if (event.type === 'welcome') this.#welcomed.push(event)
    else this.receive(event)
  }

  send(operation: object | string): void {
    this.socket.send(typeof operation === 'string' ? operation : JSON.stringify(operation))
  }

  /** Sends an operation and resolves with what answers its `ref`; the answer does not stand in the inbox. */
  ask(operation: Record<string, unknown>): Promise<ServerEvent> {
    const ref = this.#answers.nextRef()
    const answer = this.answer(ref)
    this.send({ ...operation, ref })
    return answer
  }

  answer(ref: string | number): Promise<ServerEvent> {
    return this.#answers.expect(ref)
  }

  /** Sends what bears no ref, and returns what comes next. */
  provoke(text: string | Uint8Array): Promise<ServerEvent> {
    this.socket.send(text)
    return this.next()
  }
}

export class Plain extends SocketFollower {
  constructor(base: string, where: Where, query: Query = {}, protocols: string[] = []) {
    super('plain', socketUrl(base, where, query), protocols)
  }

  static async open(base: string, where: Where, query: Query = {}, protocols: string[] = []): Promise<Plain> {
    const plain = new Plain(base, where, query, protocols)
    await plain.opened()
    return plain
  }

  protected hear(data: Buffer, binary: boolean): void {
    this.receive({ type: 'message', payload: binary ? data : data.toString() })
  }

  send(payload: string | Uint8Array): void {
    this.socket.send(payload)
  }
}

export const framed: Transport = { name: 'framed', open: Framed.open }
export const plain: Transport = { name: 'plain', open: Plain.open }
