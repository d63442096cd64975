import { createWorker, type Env } from '../../src/cloudflare/create-worker.ts'
import { createRoomObject } from '../../src/cloudflare/room-object.ts'

/**
 * How a room's storage fails: `before` nothing of a commit is written, `after` it is and says that it was not, `lost` it
 * is not and the next look at what is there fails too.
 */
type Fault = 'before' | 'after' | 'lost'

/** What became of one room's storage. */
class Watch {
  fault: Fault | undefined
  isUnreadable = false
  /** When it was tried to commit (ms). */
  readonly commits: number[] = []
  /** What was said of it that an operator must hear. */
  readonly errors: string[] = []
}

const watches = new Map<string, Watch>()

function watchOf(room: string): Watch {
  const watch = watches.get(room) ?? new Watch()
  watches.set(room, watch)
  return watch
}

const { error } = console
console.error = (line: string) => {
  const { room, error: told } = JSON.parse(line) as { room?: string; error?: { message: string } }
  if (room === undefined || !watches.has(room)) error(line)
  else watchOf(room).errors.push(`${told?.message}`)
}

function failing(storage: DurableObjectStorage, watch: Watch): DurableObjectStorage {
  const sql = meddled(storage.sql, {
    exec(...query: Parameters<SqlStorage['exec']>) {
      if (watch.isUnreadable) {
        watch.isUnreadable = false
        throw new Error('made to fail: it cannot be read')
      }
      return storage.sql.exec(...query)
    },
  } as Partial<SqlStorage>)
  return meddled(storage, {
    sql,
    transactionSync<T>(write: () => T): T {
      watch.commits.push(Date.now())
      const { fault } = watch
      if (fault === 'lost') {
        watch.fault = undefined
        watch.isUnreadable = true
      }
      const written = fault === undefined || fault === 'after' ? storage.transactionSync(write) : undefined
      if (fault !== undefined) throw new Error(`made to fail: ${fault}`)
      return written as T
    },
  })
}

/** The same object, but for these. What it is called with is itself: the platform's own methods want no other. */
function meddled<T extends object>(whole: T, own: Partial<T>): T {
  return new Proxy(whole, {
    get(_, name) {
      const value = Reflect.get(name in own ? own : whole, name) as unknown
      return typeof value === 'function' ? value.bind(name in own ? own : whole) : value
    },
  })
}

/** A deployment whose rooms' storage fails when it is told to. */
export class RoomObject extends createRoomObject() {
  constructor(ctx: DurableObjectState, env: Env) {
    Object.defineProperty(ctx, 'storage', { value: failing(ctx.storage, watchOf(ctx.id.name ?? '')) })
    super(ctx, env)
  }
}

const worker = createWorker()

export default {
  fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== '/watch') return worker.fetch?.(request, env, ctx) as Promise<Response>
    const watch = watchOf(searchParams.get('room') ?? '')
    if (request.method === 'PUT') watch.fault = (searchParams.get('fault') as Fault | null) ?? undefined
    return Response.json({ commits: watch.commits, errors: watch.errors })
  },
} satisfies ExportedHandler<Env>
