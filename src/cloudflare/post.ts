import { checkTarget } from '../webhooks/address.ts'
import type { Post } from '../webhooks/target.ts'

/**
 * Posts from the edge. What a name resolves to is the platform's to guard: Cloudflare reaches no private network, and
 * where one could be reached, on local workerd, `publicOnly` is the network without it.
 */
export function edgePost(mayBePrivate: boolean, publicOnly?: Fetcher): Post {
  const network = mayBePrivate ? undefined : publicOnly
  return async ({ url, headers, body, timeout, maxAnswer }) => {
    checkTarget(url, mayBePrivate)
    const signal = AbortSignal.timeout(timeout)
    const init = { method: 'POST', headers, body, redirect: 'manual', signal } as const
    const response = await (network === undefined ? fetch(url, init) : network.fetch(url, init))
    const retryAfter = response.headers.get('retry-after')
    if (maxAnswer === 0) {
      // A body that is neither read nor cancelled would keep the object awake.
      await response.body?.cancel()
      return { status: response.status, body: '', retryAfter }
    }
    return { status: response.status, body: await readText(response, maxAnswer), retryAfter }
  }
}

async function readText(response: Response, most: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  for (;;) {
    const chunk = await reader?.read()
    if (chunk === undefined || chunk.done) return text + decoder.decode()
    size += chunk.value.length
    if (size > most) {
      await reader?.cancel()
      throw new Error(`it answered with more than ${most} bytes`)
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
}
