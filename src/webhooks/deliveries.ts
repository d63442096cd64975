/** What became of what a backend was told and asked: plain numbers, which only grow. */
export class Deliveries {
  /** Attempts to tell it a batch. */
  readonly attempts = { taken: 0, failed: 0 }
  /** Questions to it; `unasked`: too many others were on their way. */
  readonly questions = { answered: 0, failed: 0, unasked: 0 }
  /** Events that went to the dead letters. */
  buried = 0
}
