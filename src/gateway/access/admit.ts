import type { Bearer } from '../../auth/gate.ts'
import { Refusal } from '../../protocol/errors.ts'
import { asking } from '../asking.ts'
import type { Query } from '../parameters.ts'
import type { Runtime } from '../ports.ts'
import { enter } from './enter.ts'
import { mediated } from './mediated.ts'

/** Who sent a request, and the runtime as far as they may use it. Every transport comes in through here. @throws Refusal */
export async function admit(
  request: Request,
  path: string,
  query: Query,
  runtime: Runtime,
): Promise<{ readonly bearer: Bearer; readonly runtime: Runtime }> {
  const bearer = await enter(request, path, query, runtime.gate)
  return { bearer, runtime: usedBy(bearer, request, runtime) }
}

/** @throws Refusal `revoked` */
function usedBy(bearer: Bearer, request: Request, runtime: Runtime): Runtime {
  if (runtime.revocations?.has(bearer)) throw new Refusal('revoked', 'The token was revoked; get a fresh one')
  return {
    ...mediated(asking(runtime, request), bearer, request),
    renewed: async (token) => {
      const fresh = await runtime.gate.verify(token)
      if (fresh.user !== bearer.user) throw new Refusal('forbidden', 'The token is of another user')
      return usedBy(fresh, request, runtime)
    },
  }
}
