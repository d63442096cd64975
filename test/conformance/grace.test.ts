import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { targets } from '../targets/index.ts'
import { eventually, type Target } from '../targets/target.ts'
import { atEnd, beside } from './clients/ends.ts'
import type { Transport } from './clients/follower.ts'
import { info, say } from './clients/http.ts'
import { tellingTransports, transports } from './clients/index.ts'
import { ask } from './clients/poll.ts'
import { putPresence, sessionInfo } from './clients/presence.ts'
import { Stream } from './clients/sse.ts'
import { Framed } from './clients/websocket.ts'
import { freshRoom, freshSecret, Gateway } from './suite.ts'

/**
 * The grace is 30 s of real time and cannot be set, so here it is waited for: once, by all of these together. Five tests
 * are what vitest runs at a time, so what can wait together within one does.
 */
const GRACE = 30_000
/** What a busy machine may add. */
const SLACK = 20_000

/** Resolves with the time of the only `leave` that this session's watcher hears. */
async function left(watcher: Framed, session: string | undefined, patience = GRACE + SLACK): Promise<number> {
  await watcher.inbox.until((event) => event.action === 'leave' && event.session === session, patience)
  return Date.now()
}

const connectionsOf = async (gateway: Gateway, room: string, session: string | undefined) =>
  (await sessionInfo(gateway.url, room, `${session}`))?.connections

/**
 * A room that sleeps before a poll's session, or a ghost, is found away gives it the whole grace anew when it wakes:
 * nobody wrote down when that began, or each poll would cost a write.
 */
function keepAwake(gateway: Gateway, room: string): void {
  const asking = setInterval(() => void info(gateway.url, room), 4000)
  atEnd(() => clearInterval(asking))
}

/** A session that comes, goes and stays away: one `leave`, when the grace is over and not before. */
async function comesAndGoes(gateway: Gateway, { name, open }: Transport): Promise<void> {
  const [room, resume] = [freshRoom(), freshSecret()]
  const watcher = await Framed.open(gateway.url, room, { presence: 1 })
  const { session } = await ask(gateway.url, room, { resume, presence: 1 })
  // A poll that is abandoned is held to its end on workerd; one that was answered is all there is to a poll's coming.
  if (name !== 'poll') await (await open(gateway.url, room, { resume, presence: 1 })).close()
  keepAwake(gateway, room)
  await eventually('it is known to be away', async () => !(await connectionsOf(gateway, room, session))?.length)
  const { endsAt = 0 } = (await sessionInfo(gateway.url, room, `${session}`)) ?? {}
  const end = await left(watcher, session)
  expect(end).toBeGreaterThan(endsAt - 1000)
  expect(end).toBeLessThan(endsAt + SLACK)
  expect(await sessionInfo(gateway.url, room, `${session}`)).toBeUndefined()
  expect((await putPresence(gateway.url, room, resume, '{"state":1}')).http).toBe(404)
  await open(gateway.url, room, { resume, presence: 1 })
  await say(gateway.url, room, 'end')
  const again = (await watcher.presenceUntil('end')).map(({ action, session }) => [action, session])
  expect(again).toEqual([['join', session]])
}

interface Crowd {
  room: string
  resume: string
  ghosts: (string | undefined)[]
  absent: string | undefined
}

/** Present sessions on every transport, one of which will come back, and a session that is not present. */
async function gather(gateway: Gateway, staying: Transport[]): Promise<Crowd> {
  const [room, resume] = [freshRoom(), freshSecret()]
  const ghosts: Crowd['ghosts'] = []
  for (const { open } of staying) {
    const secret = freshSecret()
    ghosts.push((await ask(gateway.url, room, { resume: secret, presence: 1 })).session)
    await open(gateway.url, room, { resume: secret, presence: 1 })
  }
  const absent = await Framed.open(gateway.url, room)
  const returning = await Framed.open(gateway.url, room, { resume, presence: 1 })
  await returning.ask({ op: 'presence', state: { kept: true } })
  return { room, resume, ghosts, absent: absent.welcome.session }
}

/** After the death of the room: all who were present still are; who comes back never left, the others are gone in time. */
async function haunt(gateway: Gateway, { room, resume, ghosts, absent }: Crowd): Promise<void> {
  const watcher = await Framed.open(gateway.url, room, { presence: 1 })
  const woken = Date.now()
  const back = await Framed.open(gateway.url, room, { resume, presence: 1 })
  const [sync] = await watcher.inbox.until(({ action }) => action === 'sync')
  expect(sync?.members).toContainEqual({ session: back.welcome.session, state: { kept: true } })
  expect(sync?.members?.map(({ session }) => session)).toEqual(expect.arrayContaining(ghosts))
  expect(await sessionInfo(gateway.url, room, `${absent}`)).toBeUndefined()
  keepAwake(gateway, room)
  const changes: unknown[] = []
  while (changes.length < ghosts.length) {
    const { action, session } = await watcher.next(GRACE + SLACK)
    if (session !== watcher.welcome.session) changes.push([action, session])
  }
  expect(Date.now() - woken).toBeLessThan(GRACE + SLACK)
  await say(gateway.url, room, 'end')
  expect(await watcher.presenceUntil('end')).toEqual([])
  expect(changes.sort()).toEqual(ghosts.map((session) => ['leave', session]).sort())
}

async function startedFor(target: Target): Promise<Gateway> {
  const gateway = new Gateway(target)
  // One of its own, since one of the two is killed.
  await gateway.start({})
  return gateway
}

describe.concurrent('the grace', { timeout: 90_000 }, () => {
  describe.each(targets)('on $name', (target) => {
    let [calm, killed]: Gateway[] = []
    const running = (gateway: Gateway | undefined): Gateway => {
      if (gateway === undefined) throw new Error('the gateway does not run')
      return gateway
    }
    beforeAll(async () => {
      calm = await startedFor(target)
      killed = await startedFor(target)
    })
    afterAll(async () => {
      await calm?.stop()
      await killed?.stop()
    })

    // That a stream's reader has left shows on workerd only when a comment cannot be written.
    const noticed = transports.filter(({ name }) => target.name === 'node' || name !== 'sse')

    test(
      'SES-1, PRES-3 a session that stays away leaves once, when the grace is over, on every transport',
      beside(async () => {
        await Promise.all(noticed.map((transport) => comesAndGoes(running(calm), transport)))
      }),
    )

    test(
      'SES-4 present sessions outlive the death of the process; ghosts are gone a grace after the room has woken',
      beside(async () => {
        const gateway = running(killed)
        const crowd = await gather(gateway, transports)
        await gateway.running.crash()
        await haunt(gateway, crowd)
      }),
    )

    test.runIf(target.name === 'workerd')(
      'SES-1, SES-4, MULTI-12 and when its sockets are cut, or it sleeps when the grace is over, or a stream is abandoned',
      beside(async () => {
        const gateway = running(calm)
        const cut = async () => {
          // Not polls: their client hears of no cut, and asks again.
          const crowd = await gather(
            gateway,
            transports.filter(({ name }) => name !== 'poll'),
          )
          await gateway.running.evict?.(crowd.room, 'close')
          await haunt(gateway, crowd)
        }
        const asleep = async () => {
          const room = freshRoom()
          const watchers = await Promise.all(
            tellingTransports.map(({ open }) => open(gateway.url, room, { presence: 1 })),
          )
          const gone = await Framed.open(gateway.url, room, { presence: 1 })
          await gone.close()
          await eventually('away', async () => !(await connectionsOf(gateway, room, gone.welcome.session))?.length)
          await gateway.running.evict?.(room, 'hibernate')
          for (const watcher of watchers) {
            const { session } = gone.welcome
            await watcher.inbox.until((e) => e.action === 'leave' && e.session === session, GRACE + SLACK)
          }
        }
        const abandoned = async (others: string[]) => {
          const room = freshRoom()
          const where = others.length === 0 ? room : [...others, room]
          const stream = await Stream.open(gateway.url, where, { presence: 1 })
          const { session } = stream.welcomes.get(room) ?? {}
          await stream.close()
          const noticed = async () => !(await connectionsOf(gateway, room, session))?.length
          await eventually('the room knows that nobody reads', noticed)
          expect(await sessionInfo(gateway.url, room, `${session}`)).toMatchObject({ present: true })
        }
        await Promise.all([cut(), asleep(), abandoned([]), abandoned([freshRoom()])])
      }),
    )
  })
})
