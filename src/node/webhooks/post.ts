import { lookup } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { checkTarget, isPrivateAddress } from '../../webhooks/address.ts'
import type { Post, Posted, Posting } from '../../webhooks/target.ts'

/**
 * Posts from Node. The address that was checked is the one that is connected to: between a check of the name and a
 * second look at it, the name could be made to point elsewhere (DNS rebinding). `node:http` follows no redirect.
 */
export function nodePost(mayBePrivate: boolean): Post {
  const options: RequestOptions = {
    method: 'POST',
    // Its agent's sockets go to addresses that were checked too.
    ...(!mayBePrivate && { lookup: publicLookup }),
  }
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }
  return (posting) =>
    new Promise<Posted>((resolve, reject) => {
      checkTarget(posting.url, mayBePrivate)
      const url = new URL(posting.url)
      const isPlain = url.protocol === 'http:'
      const signal = AbortSignal.timeout(posting.timeout)
      const headers = { ...posting.headers, 'content-length': String(Buffer.byteLength(posting.body)) }
      const request = (isPlain ? httpRequest : httpsRequest)(url, {
        ...options,
        headers,
        signal,
        agent: agents[isPlain ? 'http:' : 'https:'],
      })
      // The signal does not reach an answer that has begun and never ends.
      signal.addEventListener('abort', () => request.destroy(signal.reason as Error))
      request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
      request.on('response', (response) => read(response, posting).then(resolve, reject))
      request.end(posting.body)
    })
}

/** Where only the status counts, it counts at once. A small rest is read all the same, so that the connection serves again. */
async function read(response: IncomingMessage, { maxAnswer }: Posting): Promise<Posted> {
  const posted = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] ?? null }
  if (maxAnswer === 0) {
    collect(response, SMALL).catch(() => {})
    return { ...posted, body: '' }
  }
  return { ...posted, body: await collect(response, maxAnswer) }
}

const SMALL = 65_536

async function collect(response: IncomingMessage, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) {
      response.destroy()
      throw new Error(`it answered with more than ${most} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const allowed = error === null ? addresses.filter(({ address }) => !isPrivateAddress(address)) : []
    const [first] = allowed
    if (error !== null) callback(error, '')
    else if (first === undefined) {
      const refusal = new Error(`${host} resolves to a private address; see HOLDLINE_WEBHOOK_PRIVATE`)
      callback(refusal, '')
    } else if (options.all) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}
