import { SignJWT } from 'jose'

/** Keys as a deployment has them: what a user would have on is on, and the limits are too, above what the load needs. */
const SECRET = 'a secret that only the benchmark knows'
const API_KEY = 'an-api-key-that-only-the-benchmark-knows'

export const ACCESS = {
  HOLDLINE_JWT_SECRET: SECRET,
  HOLDLINE_API_KEYS: API_KEY,
  HOLDLINE_RATE: '1000000',
  HOLDLINE_USER_RATE: '1000000',
  HOLDLINE_CONNECTIONS_PER_ADDRESS: '100000',
}

export const backend = `authorization: Bearer ${API_KEY}\r\n`

export const token = await new SignJWT({
  sub: 'ada',
  rooms: { 'bench-*': ['subscribe', 'publish', 'presence', 'history'] },
})
  .setProtectedHeader({ alg: 'HS256' })
  .setIssuedAt()
  .setExpirationTime('1h')
  .sign(new TextEncoder().encode(SECRET))
