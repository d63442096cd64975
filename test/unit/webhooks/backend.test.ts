import { describe, expect, it } from 'vitest'
import type { Welcome } from '../../../src/protocol/ask.ts'
import { Backend } from '../../../src/webhooks/backend.ts'
import { messageSlots, turnsOfEdge, turnsOfProcess } from '../../../src/webhooks/slots.ts'
import type { Posted } from '../../../src/webhooks/target.ts'
import { range } from '../../conformance/suite.ts'

const [AT_ONCE, VISITORS, MESSAGES] = [64, 1024, 4096]

/** A backend that answers when it is let, and one that asks it. */
function held(turns = turnsOfProcess()) {
  const waiting: (() => void)[] = []
  const answer: Posted = { status: 204, body: '', retryAfter: null }
  const post = () => new Promise<Posted>((resolve) => waiting.push(() => resolve(answer)))
  const all = () => true
  const ask = { url: 'https://example.com/', connect: all, message: all, timeout: 60_000, open: true }
  const limits = { payload: 1000, presenceState: 1000 }
  const backend = new Backend(
    { secrets: [new Uint8Array(32)], mayBePrivate: false, ask },
    post,
    turns,
    limits,
    () => {},
  )
  const release = async (until: () => boolean) => {
    while (!until()) {
      for (const end of waiting.splice(0)) end()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { backend, waiting, release }
}

/** What has come of them so far, when all that can happen without an answer has. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const done: T[] = []
  for (const promise of promises) promise.then((value) => done.push(value))
  await new Promise((resolve) => setTimeout(resolve))
  return done
}

const body = { member: '"data":1' }
const submission = (id: string) => ({ draft: { id, body, ephemeral: false } }) as never

describe('what waits for a backend, also with an open door', () => {
  it('ASK-2 so many visitors are asked about, so many wait, and more are busy at once', async () => {
    const { backend, waiting, release } = held()
    const visits = range(AT_ONCE + VISITORS + 12).map((i) =>
      backend.connect({ room: 'r', kind: 'poll', headers: { cookie: `${i}` } }, 's'),
    )
    expect(await settled(visits)).toEqual(Array(12).fill({ refused: 'busy', code: 'busy' }))
    await expect.poll(() => waiting.length).toBe(AT_ONCE)
    let welcomed = 0
    for (const visit of visits)
      visit.then(({ refused }: Welcome) => {
        if (refused === undefined) welcomed++
      })
    await release(() => welcomed === AT_ONCE + VISITORS)
    expect(backend.deliveries.questions.answered).toBe(welcomed)
  })

  it('ASK-6 and so it is with messages, whose turns are their own', async () => {
    const { backend, waiting } = held()
    const slots = messageSlots()
    range(AT_ONCE + VISITORS).map((i) => backend.connect({ room: 'r', kind: 'poll', headers: { cookie: `${i}` } }, 's'))
    await expect.poll(() => waiting.length).toBe(AT_ONCE)
    const judged = range(AT_ONCE + MESSAGES + 7).map((i) => backend.judge('r', submission(`m${i}`), Date.now(), slots))
    const busy = await settled(judged)
    expect(busy).toHaveLength(7)
    expect(new Set(busy.map(({ error }) => error))).toEqual(new Set(['busy']))
    await expect.poll(() => waiting.length).toBe(2 * AT_ONCE)
  })

  it('ASK-2 on the edge nobody waits for another’s turn', async () => {
    const { backend, waiting } = held(turnsOfEdge())
    const visits = range(2000).map((i) =>
      backend.connect({ room: 'r', kind: 'poll', headers: { cookie: `${i}` } }, 's'),
    )
    expect(await settled(visits)).toEqual([])
    await expect.poll(() => waiting.length).toBe(2000)
  })
})
