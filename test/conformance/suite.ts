import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { targets } from '../targets/index.ts'
import { shared } from '../targets/shared.ts'
import type { Running, StartOptions, Target } from '../targets/target.ts'

/** The gateway under test. One per target, or one of a file's own if it has settings: rooms are what keeps cases apart. */
export class Gateway {
  readonly target: Target
  #running: Running | undefined
  #isShared = false

  constructor(target: Target) {
    this.target = target
  }

  get running(): Running {
    if (!this.#running) throw new Error('the gateway does not run yet')
    return this.#running
  }

  get url(): string {
    return this.running.url
  }

  async start(options?: StartOptions): Promise<void> {
    this.#isShared = options === undefined
    this.#running = await (options === undefined ? shared(this.target) : this.target.start(options))
  }

  async stop(): Promise<void> {
    if (!this.#isShared) await this.#running?.stop()
  }
}

export function chapter(name: string, cases: (gateway: Gateway) => void, options?: StartOptions): void {
  describe.each(targets)(`${name} on $name`, (target) => {
    const gateway = new Gateway(target)
    beforeAll(() => gateway.start(options))
    afterAll(() => gateway.stop())
    cases(gateway)
  })
}

export const freshRoom = (): string => `room-${randomUUID()}`
export const freshSecret = (): string => `${randomUUID()}-secret`

export const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i)
