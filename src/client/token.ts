import type { Environment } from './environment.ts'
import { HoldlineError } from './errors.ts'

/** A token, or what gets one: it is asked anew before the last one ends. */
export type TokenSource = string | (() => string | Promise<string>)

/** A token is renewed when a fifth of its life is left, or a minute (ms). */
const EARLY = 60_000

export class Tokens {
  readonly #source: TokenSource | undefined
  readonly #environment: Environment
  readonly #renewed: (token: string) => void
  #known: Promise<string> | undefined
  #cancel = (): void => {}

  /** `renewed` is told of a token that takes another's place while that is still good. */
  constructor(source: TokenSource | undefined, environment: Environment, renewed: (token: string) => void) {
    this.#source = source
    this.#environment = environment
    this.#renewed = renewed
  }

  /** Can there be another? */
  get isRenewable(): boolean {
    return typeof this.#source === 'function'
  }

  /** @throws HoldlineError `token` */
  async get(): Promise<string | undefined> {
    if (typeof this.#source !== 'function') return this.#source
    this.#known ??= this.#ask(this.#source)
    const known = this.#known
    try {
      return await known
    } catch (cause) {
      if (this.#known === known) this.#known = undefined
      throw new HoldlineError('token', `no token: ${cause}`)
    }
  }

  /** The gateway takes it no longer. */
  forget(): void {
    this.#cancel()
    this.#known = undefined
  }

  async #ask(source: () => string | Promise<string>): Promise<string> {
    const token = await source()
    const left = lifeOf(token) - this.#environment.now()
    this.#cancel()
    if (left > 0 && left < 2 ** 31)
      this.#cancel = this.#environment.after(left - Math.min(EARLY, left / 5), this.#renew)
    return token
  }

  readonly #renew = (): void => {
    this.#known = undefined
    // If it fails it is asked again when the old one has ended, which is no secret to whoever listens.
    this.get().then(
      (token) => token !== undefined && this.#renewed(token),
      () => {},
    )
  }
}

/** When a JWT ends (ms since 1970); an opaque token does not say: 0. */
function lifeOf(token: string): number {
  try {
    const [, payload = ''] = token.split('.')
    return (JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))) as { exp: number }).exp * 1000
  } catch {
    return 0
  }
}
