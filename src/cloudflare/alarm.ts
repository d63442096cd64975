/** The object's one alarm, for all who want to be woken. */
export class Alarm {
  readonly #ctx: DurableObjectState
  #at: number | null = null

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
  }

  /** Looks when it is set: knowing it saves a write for every wake that a poll causes. */
  async look(): Promise<void> {
    this.#at = await this.#ctx.storage.getAlarm()
  }

  /** An alarm that comes too early finds nothing to do and is set again; moving it at every poll would be a write. */
  ask(time: number | null): void {
    if (time === null || (this.#at !== null && this.#at <= time)) return
    this.#at = time
    this.#ctx.waitUntil(this.#ctx.storage.setAlarm(time))
  }

  /** It has come. */
  rang(): void {
    this.#at = null
  }
}
