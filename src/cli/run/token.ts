import { SignJWT } from 'jose'
import { toGrants } from '../../auth/grants.ts'
import { Refusal } from '../../protocol/errors.ts'
import { access } from '../../settings/access.ts'
import { Unfit } from '../../settings/kinds.ts'
import type { Setting } from '../../settings/setting.ts'
import { EXIT, Fault } from '../exit.ts'
import { print } from '../output.ts'

export interface TokenOptions {
  readonly user?: string
  readonly rooms: readonly (readonly [pattern: string, capabilities: readonly string[]])[]
  /** Seconds. */
  readonly for: number
}

/**
 * `holdline token`: a JWT as a backend would make it, for the gateway with the settings of this environment.
 * @throws Fault if that gateway would not take it
 */
export async function token({ user, rooms, for: life }: TokenOptions, env = process.env): Promise<void> {
  const secret = read(access.secret, env)
  if (secret === undefined) {
    throw new Fault(EXIT.config, `${access.secret.name} must be set: it is what the gateway checks tokens with`)
  }
  const now = Math.floor(Date.now() / 1000)
  const [audience] = read(access.audience, env) ?? []
  const [issuer] = read(access.issuer, env) ?? []
  const claims = {
    ...(user !== undefined && { sub: user }),
    // By it the token can be revoked alone.
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + life,
    ...(audience !== undefined && { aud: audience }),
    ...(issuer !== undefined && { iss: issuer }),
    rooms: granted(rooms),
  }
  try {
    toGrants(claims, read(access.lifetime, env) ?? 0, 0)
  } catch (error) {
    if (error instanceof Refusal) throw new Fault(EXIT.usage, error.message)
    throw error
  }
  await print(await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret)))
}

/** What is granted by a pattern that stands more than once is granted together. */
function granted(rooms: TokenOptions['rooms']): Record<string, string[]> {
  const all = Object.groupBy(rooms, ([pattern]) => pattern)
  return Object.fromEntries(
    Object.entries(all).map(([pattern, grants = []]) => [
      pattern,
      [...new Set(grants.flatMap(([, capabilities]) => capabilities))],
    ]),
  )
}

/** One setting of the environment. @throws Fault */
function read<T>({ name, kind, default: otherwise, secret }: Setting<T>, env: NodeJS.ProcessEnv): T | undefined {
  const text = env[name] || otherwise
  try {
    return text === undefined ? undefined : kind.read(text)
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    throw new Fault(EXIT.config, `${name} must be ${kind.says}${secret ? '' : `, not ${JSON.stringify(text)}`}`)
  }
}
