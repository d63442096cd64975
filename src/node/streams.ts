import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Outlet, Source } from '../gateway/ports.ts'
import { LIMITS } from '../protocol/limits.ts'

type Open = (outlet: Outlet) => Source

const BREAK = Buffer.from('\r\n')

/**
 * Bodies that are written as they come: a `ReadableStream` between the room and the socket costs as much again as the write
 * itself, and Node makes the chunk of each response anew that here is made once for all who are sent the same.
 */
export class Streams {
  readonly #opens = new WeakMap<Request, Open>()

  /** That is to be the body of the request's response. */
  begin(request: Request, open: Open): void {
    this.#opens.set(request, open)
  }

  /** Begins the body of a response, if it is one of these. */
  send(request: Request, outgoing: ServerResponse, response: Response): Response {
    const open = this.#opens.get(request)
    if (open === undefined || response.status !== 200) return response
    if (outgoing.destroyed) return RESPONSE_ALREADY_SENT
    outgoing.writeHead(200, Object.fromEntries(response.headers))
    outgoing.flushHeaders()
    const { socket } = outgoing
    const source = open(new Body(outgoing))
    const drained = (): void => source.drained()
    socket?.on('drain', drained)
    outgoing.on('close', () => {
      socket?.off('drain', drained)
      source.close()
    })
    return RESPONSE_ALREADY_SENT
  }
}

class Body implements Outlet {
  readonly #outgoing: ServerResponse

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  write(bytes: Uint8Array): void {
    const { socket, chunkedEncoding, writable } = this.#outgoing
    if (!writable) return
    // It has none while the request before it on the same connection is not answered, and waits.
    if (socket !== null && chunkedEncoding) socket.write(chunkOf(bytes))
    else this.#outgoing.write(bytes)
  }

  credit(): number {
    return LIMITS.ahead - this.#outgoing.writableLength
  }

  end(): void {
    this.#outgoing.end()
  }
}

let last: { readonly bytes: Uint8Array; readonly chunk: Buffer } | undefined

/** RFC 9112 section 7.1. Who are sent the same are sent it one after the other. */
function chunkOf(bytes: Uint8Array): Buffer {
  if (last?.bytes !== bytes) {
    last = { bytes, chunk: Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, BREAK]) }
  }
  return last.chunk
}
