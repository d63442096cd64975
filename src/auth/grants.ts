import { type Capability, isCapability } from '../protocol/capabilities.ts'
import { Refusal } from '../protocol/errors.ts'
import { opens } from './patterns.ts'

/** What a token says, after it was verified. */
export interface Grants {
  readonly user?: string
  readonly tokenId?: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly rooms: readonly (readonly [pattern: string, capabilities: readonly Capability[]])[]
}

const NAME_MOST = 128
const PATTERNS_MOST = 64

interface Answer {
  readonly room: string
  readonly capabilities: readonly Capability[]
}

/** Of each token's the last: one request asks several times, and who polls does so for the same room each time. */
const answers = new WeakMap<Grants, Answer>()

/** What the bearer may do in a room: all that the patterns that open it grant, together. */
export function capabilitiesIn(grants: Grants, room: string): readonly Capability[] {
  const known = answers.get(grants)
  if (known?.room === room) return known.capabilities
  const { rooms, user } = grants
  const found = rooms.filter(([pattern]) => opens(pattern, room, user)).flatMap(([, capabilities]) => capabilities)
  const capabilities = [...new Set(found)]
  answers.set(grants, { room, capabilities })
  return capabilities
}

/**
 * Reads the claims of a verified token. One that is malformed refuses the token as a whole: what was meant by it can
 * only be guessed. `lifetime`, `tolerance`: seconds. @throws Refusal `unauthorized`
 */
export function toGrants(
  { sub, jti, iat, exp, rooms }: Readonly<Record<string, unknown>>,
  lifetime: number,
  tolerance: number,
): Grants {
  const user = optionalName(sub, 'sub')
  const tokenId = optionalName(jti, 'jti')
  const now = Date.now() / 1000
  const ends = seconds(exp, 'exp')
  const began = seconds(iat, 'iat')
  // A token that is not to be taken before its revocation has been forgotten would outlive it: so its whole life counts,
  // and not what is left of it, and it must have begun.
  if (began > now + tolerance) throw malformed('`iat` is yet to come')
  if (ends - began > lifetime + tolerance) {
    throw malformed(`\`exp\` is more than ${lifetime} seconds after \`iat\` (HOLDLINE_TOKEN_LIFETIME)`)
  }
  return {
    ...(user !== undefined && { user }),
    ...(tokenId !== undefined && { tokenId }),
    // A signer whose clock is ahead must not have its live tokens pass for made after a revocation.
    issuedAt: Math.min(began, now) * 1000,
    expiresAt: (ends + tolerance) * 1000,
    rooms: toRooms(rooms),
  }
}

function toRooms(rooms: unknown): Grants['rooms'] {
  if (typeof rooms !== 'object' || rooms === null || Array.isArray(rooms)) {
    throw malformed('`rooms` must be an object of room patterns, such as {"chat:*":["subscribe","publish"]}')
  }
  const entries = Object.entries(rooms)
  if (entries.length > PATTERNS_MOST) throw malformed(`\`rooms\` has more than ${PATTERNS_MOST} patterns`)
  return entries.map(([pattern, capabilities]) => {
    if (pattern.length > 2 * NAME_MOST) throw malformed('a pattern of `rooms` is too long')
    if (!Array.isArray(capabilities) || !capabilities.every(isCapability)) {
      throw malformed('`rooms` must give each pattern a list of subscribe, publish, presence, history, manage')
    }
    return [pattern, capabilities] as const
  })
}

function optionalName(value: unknown, claim: string): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || value.length > NAME_MOST || !value.isWellFormed()) {
    throw malformed(`\`${claim}\` must be a text of 1 to ${NAME_MOST} characters`)
  }
  return value
}

function seconds(value: unknown, claim: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw malformed(`\`${claim}\` must be a time in seconds`)
  }
  return value
}

const malformed = (what: string): Refusal => new Refusal('unauthorized', `The token's claims are refused: ${what}`)
