import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { eventually } from '../targets/target.ts'

export const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, so').toString('base64')}`

/** A CloudEvent as a backend gets it. */
export interface Told {
  specversion: string
  id: string
  source: string
  type: string
  subject?: string
  time: string
  data: Record<string, unknown> & { room: string; generation: number; session?: string; message?: { data?: unknown } }
}

export interface Delivery {
  id: string
  path: string
  headers: Record<string, string>
  body: string
  events: Told[]
}

type Mood = (delivery: Delivery, response: ServerResponse) => void

/** Answers, in the ways of real backends. */
export const moods = {
  takes: (_, response) => void response.writeHead(204).end(),
  fails: (_, response) => void response.writeHead(500).end('oops'),
  redirects: (_, response) => void response.writeHead(307, { location: '/elsewhere' }).end(),
  hangs: () => {},
  stalls: (_, response) => void response.writeHead(200).write('half'),
  cuts: (_, response) => void response.destroy(),
} satisfies Record<string, Mood>

/** The backend of a deployment: keeps what it was told, each request verified as the Standard Webhooks libraries do. */
export class TestBackend {
  readonly #server: Server
  readonly deliveries: Delivery[] = []
  /** Those that it answered with success. */
  readonly taken: Delivery[] = []
  readonly wrong: string[] = []
  mood: Mood = moods.takes
  secret = SECRET

  private constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response))
  }

  static async start(): Promise<TestBackend> {
    const backend = new TestBackend()
    backend.#server.listen(0, '127.0.0.1')
    await once(backend.#server, 'listening')
    return backend
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  /** What it took, of one room, in the order in which it came. */
  told(room: string): Told[] {
    return this.taken.flatMap(({ events }) => events).filter(({ data }) => data.room === room)
  }

  /** As `told`, each event once: what a backend makes of it that remembers ids. */
  once(room: string): Told[] {
    return [...new Map(this.told(room).map((event) => [event.id, event])).values()]
  }

  async hears(room: string, count: number, seconds = 30): Promise<Told[]> {
    await eventually(`${count} events of ${room} are told`, () => this.once(room).length >= count, seconds)
    return this.once(room)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const headers = request.headers as Record<string, string>
    try {
      new Webhook(this.secret).verify(body, headers)
    } catch (error) {
      this.wrong.push(`${(error as Error).message}: ${body}`)
      response.writeHead(401).end()
      return
    }
    const content = JSON.parse(body) as Told | Told[]
    const delivery = {
      id: headers['webhook-id'] as string,
      path: request.url ?? '',
      headers,
      body,
      events: [content].flat(),
    }
    this.deliveries.push(delivery)
    response.on('finish', () => {
      if (response.statusCode < 300 && response.writableEnded) this.taken.push(delivery)
    })
    this.mood(delivery, response)
  }
}
