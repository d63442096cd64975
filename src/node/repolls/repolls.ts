import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { LetIn } from '../../gateway/ports.ts'
import type { Repoll } from '../../gateway/transports/repoll.ts'
import { type Answered, PollLine } from './poll-line.ts'
import { Template } from './template.ts'

interface Poll {
  readonly socket: Socket
  readonly template: Template
  /** Absent: nothing like it will be known. */
  readonly know?: ((answered: Answered) => void) | undefined
  repoll?: Repoll
}

export interface RepollsOptions {
  /** How a poll is asked again. */
  repollOf(poll: LetIn): Repoll
  /** The most bytes of a request. */
  readonly most: number
  /** How long a connection may rest (ms). */
  readonly patience: number
}

/** The connections over which clients poll again and again. */
export class Repolls {
  readonly #options: RepollsOptions
  readonly #lines = new WeakMap<Socket, PollLine>()
  readonly #polls = new WeakMap<Request, Poll>()
  #held = 0
  #whenAnswered: (() => void) | undefined

  constructor(options: RepollsOptions) {
    this.#options = options
  }

  /** Resolves as soon as no poll is held that Node's HTTP knows nothing of, and every answer to one has been taken. */
  answered(): Promise<void> {
    if (this.#held === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenAnswered = resolve
    })
  }

  /** A connection that becomes a WebSocket is no line of polls any more. */
  listen(server: Server): void {
    server.on('upgrade', ({ socket }: IncomingMessage) => {
      const line = this.#lines.get(socket)
      if (line !== undefined) socket.off('data', line.take)
      this.#lines.delete(socket)
    })
  }

  /** Answers a request, and knows it again if it is a poll. To be called within the server's event. */
  watch(
    request: Request,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    answer: () => Response | Promise<Response>,
  ): Response | Promise<Response> {
    const template = Template.of(incoming)
    if (template === undefined) return answer()
    const { socket } = incoming
    const poll: Poll = { socket, template, know: this.#lines.get(socket)?.read(template) }
    this.#polls.set(request, poll)
    return this.#answered(poll, outgoing, answer())
  }

  async #answered(poll: Poll, outgoing: ServerResponse, answer: Response | Promise<Response>): Promise<Response> {
    const response = await answer
    const { know, repoll } = poll
    if (know !== undefined && repoll !== undefined && response.status === 200) {
      const { headers } = response
      outgoing.once('finish', () => know({ repoll, headers }))
    }
    return response
  }

  /**
   * That poll has been let in. Its connection is watched from now on, and known is the next that comes over it. Unless its
   * cursor was found elsewhere than here, or a session was made for it: over a connection of a proxy the next may be another's.
   */
  remember(letIn: LetIn): void {
    const poll = this.#polls.get(letIn.request)
    const { hello, resume } = letIn.poll
    if (poll === undefined || hello.cursor !== poll.template.cursor || resume !== undefined) return
    poll.repoll = this.#options.repollOf(letIn)
    if (!this.#lines.has(poll.socket)) this.#hook(poll.socket)
  }

  /** Node's parser takes what comes as every listener does, or past all of them while there is no other. */
  #hook(socket: Socket): void {
    const [parse, ...others] = socket.listeners('data')
    if (parse === undefined || others.length > 0) return
    const line = new PollLine(socket, {
      ...this.#options,
      parse: (bytes) => parse.call(socket, bytes),
      held: (change) => {
        this.#held += change
        if (this.#held === 0) this.#whenAnswered?.()
      },
    })
    this.#lines.set(socket, line)
    socket.on('data', line.take)
    socket.off('data', parse as (bytes: Buffer) => void)
  }
}
