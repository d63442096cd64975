import { expect, test } from 'vitest'
import { call, url } from './clients/http.ts'
import { bearer, keys } from './clients/tokens.ts'
import { chapter } from './suite.ts'

const pss = await keys('PS256')

const enter = async (base: string, exp: number) => {
  const { http, code, detail } = await call(url(base, 'lobby', '/poll'), { headers: bearer(await pss.sign({ exp })) })
  return { http, code, detail }
}

chapter(
  'tokens by an algorithm and for a time that are set',
  (gateway) => {
    test('AUTH-5 a token by that algorithm is let in, one that lives longer is not', async () => {
      expect(await enter(gateway.url, 300)).toMatchObject({ http: 200 })
      const long = await enter(gateway.url, 900)
      expect(long).toMatchObject({ http: 401, code: 'unauthorized', detail: expect.stringContaining('600 seconds') })
    })
  },
  {
    env: {
      HOLDLINE_JWT_PUBLIC_KEY: pss.pem,
      HOLDLINE_JWT_ALGORITHMS: 'ES256, PS256',
      HOLDLINE_TOKEN_LIFETIME: '600',
    },
  },
)

chapter(
  'tokens by an algorithm that is not set',
  (gateway) => {
    test('AUTH-5 the key alone lets nobody in', async () => {
      expect(await enter(gateway.url, 300)).toMatchObject({ http: 401, code: 'unauthorized' })
    })
  },
  { env: { HOLDLINE_JWT_PUBLIC_KEY: pss.pem } },
)
