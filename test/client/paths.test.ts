import { expect, test } from 'vitest'
import { beside } from '../conformance/clients/ends.ts'
import { chapter } from '../conformance/suite.ts'
import { Random } from '../random.ts'
import { announce, seed } from '../soak/seed.ts'
import { paths, walk } from './paths.ts'
import { read } from './reading.ts'

announce('sdk')
/** A few, since it is the paths that matter; `npm run soak -- sdk` takes 10,000. */
const MESSAGES = 150

chapter('the client SDK', (gateway) => {
  test.concurrent.for(Object.entries(paths))(
    `%s ${MESSAGES} messages come once, in order, to one session (seed ${seed})`,
    ([name, path], context) =>
      beside(async () => {
        const { transports } = await walk(gateway.url, path, MESSAGES, new Random(seed).fork(name), read)
        expect(transports.split(' → ').at(-1)).toBe(path.ends)
      })(context),
  )
})
