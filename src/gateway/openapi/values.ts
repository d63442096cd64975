/** What stands in the examples: one room's morning, told by one reader. */
export const SECRET = 'my-secret-0123456789abc'
/** The session that this secret names in `lobby`, and in `news` (FOLLOW-6). */
export const SESSION = 'n5PL-Yzb9hybS1c5wkkUtw'
export const SESSION_IN_NEWS = 'foPD25zaudq5B-9qpag2Ww'
export const CURSOR = '0mi8tq1c4k3f9z2-12'
export const NEXT = '0mi8tq1c4k3f9z2-13'
export const ID = 'order-4711'
export const TIME = 1_790_000_000_000
export const REV = 'r1k2j3h4g5f'
export const MESSAGE = { type: 'message', cursor: CURSOR, id: ID, data: { text: 'hello' }, time: TIME }
export const MEMBER = { session: SESSION, state: { mood: 'fine' } }
/** In what the gateway makes there are other characters than in what it takes. */
export const MADE_ID = 'Uz4vFm3pTGeZ0wqYb1xk9A'
export const DEAD_ID = '0mi8tq1c4-11'
