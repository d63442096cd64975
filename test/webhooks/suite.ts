import { afterAll, beforeAll, describe } from 'vitest'
import { Gateway } from '../conformance/suite.ts'
import { targets } from '../targets/index.ts'
import { type Delivery, moods, SECRET, TestBackend } from './backend.ts'

export class Told {
  readonly gateway: Gateway
  backend!: TestBackend

  constructor(gateway: Gateway) {
    this.gateway = gateway
  }

  get url(): string {
    return this.gateway.url
  }
}

type Question = 'ask.connect' | 'ask.message'

export type Respond = (delivery: Delivery) => { status: number; body?: unknown } | null

/** Answers questions so, and takes what it is told. Null: never. */
export function answering({ backend }: Told, type: Question, respond: Respond): void {
  backend.mood = (delivery, response) => {
    if (delivery.events[0]?.type !== type) return moods.takes(delivery, response)
    const answer = respond(delivery)
    if (answer !== null) response.writeHead(answer.status).end(answer.body && JSON.stringify(answer.body))
  }
}

/** What it was asked of a room. */
export const asks = ({ backend }: Told, type: Question, room: string) =>
  backend.deliveries.flatMap(({ events }) => events).filter((event) => event.type === type && event.data.room === room)

/** As `chapter`, with a backend that is told. */
export function hooked(name: string, cases: (told: Told) => void, env: Record<string, string> = {}): void {
  describe.each(targets)(`${name} on $name`, (target) => {
    const told = new Told(new Gateway(target))
    beforeAll(async () => {
      told.backend = await TestBackend.start()
      const settings = {
        HOLDLINE_WEBHOOK_URL: told.backend.url,
        HOLDLINE_WEBHOOK_SECRET: SECRET,
        HOLDLINE_WEBHOOK_PRIVATE: '1',
        HOLDLINE_WEBHOOK_TIMEOUT: '1500',
        ...env,
      }
      await told.gateway.start({ env: settings })
    })
    afterAll(async () => {
      await told.gateway.stop()
      await told.backend.stop()
    })
    cases(told)
  })
}
