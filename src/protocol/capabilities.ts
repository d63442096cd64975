/** What a token may let its bearer do in a room (AUTH-3). */
export const CAPABILITIES = ['subscribe', 'publish', 'presence', 'history', 'manage'] as const

export type Capability = (typeof CAPABILITIES)[number]

export const isCapability = (value: unknown): value is Capability => CAPABILITIES.some((known) => known === value)

/** A token's decision for one room: what of it the room goes by, live and asleep. */
export interface Pass {
  readonly grants: readonly Capability[]
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly tokenId?: string
}

/** As whom one is known. */
export interface Identity {
  readonly session?: string | undefined
  readonly user?: string | undefined
  readonly pass?: Pass | undefined
}

/** What a backend lets a connection do in a room (ASK-3), and until when. */
export type Granted = Omit<Pass, 'tokenId'>

/** What a backend grants never goes beyond what a token does; without a token it is all there is. */
export const within = (pass: Pass | undefined, granted: Granted | undefined): Pass | undefined => {
  if (granted === undefined || pass === undefined) return pass ?? granted
  const grants = pass.grants.filter((capability) => granted.grants.includes(capability))
  return { ...pass, grants, expiresAt: Math.min(pass.expiresAt, granted.expiresAt) }
}

/** Who counts as one: a user; of those without a name the bearers of one token. */
export const bearerOf = (user: string | undefined, { tokenId, issuedAt, expiresAt }: Pass): string =>
  user !== undefined ? `user ${user}` : `token ${tokenId ?? `${issuedAt} ${expiresAt}`}`

/** Whoever has no pass may do everything: an API key, or anybody while the gateway is open. */
export const may = (pass: Pass | undefined, capability: Capability): boolean =>
  pass === undefined || pass.grants.includes(capability)
