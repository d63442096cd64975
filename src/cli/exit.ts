/** How a command ends: what a script can tell, by the names of sysexits.h where it has one. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** It was called wrongly; another attempt with the same words is no use. */
  usage: 2,
  /** EX_UNAVAILABLE: nobody answers, or nobody who takes work. */
  unreachable: 69,
  /** EX_NOPERM. */
  notAllowed: 77,
  /** EX_CONFIG: a supervisor can be told that another attempt is no use. */
  config: 78,
  /** As a shell has it for who died of SIGPIPE: whoever read has gone. */
  pipe: 141,
} as const

export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** Why a command failed, for whoever called it. */
export class Fault extends Error {
  readonly exit: Exit
  /** Seconds: the gateway says that the same may succeed after so long. */
  readonly retryAfter: number | undefined

  constructor(exit: Exit, message: string, retryAfter?: number) {
    super(message)
    this.name = 'Fault'
    this.exit = exit
    this.retryAfter = retryAfter
  }
}

const BY_CODE: Readonly<Record<string, Exit>> = {
  bad_room: EXIT.usage,
  bad_cursor: EXIT.usage,
  unauthorized: EXIT.notAllowed,
  token_expired: EXIT.notAllowed,
  revoked: EXIT.notAllowed,
  forbidden: EXIT.notAllowed,
  origin: EXIT.notAllowed,
  host: EXIT.notAllowed,
  token: EXIT.notAllowed,
  storage: EXIT.unreachable,
  unconfigured: EXIT.unreachable,
  keys: EXIT.unreachable,
  backend: EXIT.unreachable,
  draining: EXIT.unreachable,
  unreachable: EXIT.unreachable,
}

/** Of a refusal, by its code (ERR-1). */
export const exitOf = (code: string): Exit => BY_CODE[code] ?? EXIT.failed
