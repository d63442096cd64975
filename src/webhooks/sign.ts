const encoder = new TextEncoder()

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** What signs: the secrets of a Standard Webhooks endpoint (standardwebhooks.com), each of which verifies by itself. */
export class Signer {
  readonly #keys: Promise<readonly Key[]>

  /** @param secrets their bytes; more than one while they are rotated */
  constructor(secrets: readonly Uint8Array[]) {
    this.#keys = Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey('raw', secret as Uint8Array<ArrayBuffer>, { name: 'HMAC', hash: 'SHA-256' }, false, [
          'sign',
        ]),
      ),
    )
  }

  /** The headers by which the receiver knows who sent it, when, and that it is whole. */
  async headers(id: string, seconds: number, body: string): Promise<Record<string, string>> {
    const signed = encoder.encode(`${id}.${seconds}.${body}`)
    const signatures = (await this.#keys).map(async (key) => {
      return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)))}`
    })
    return {
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': (await Promise.all(signatures)).join(' '),
    }
  }
}

/** Names a request by what it carries, so that the same batch has the same id however often it is sent. */
export async function webhookId(room: string, first: string, last: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(`${room}\n${first}\n${last}`))
  const name = toBase64(new Uint8Array(digest, 0, 15))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
  return `msg_${name}`
}

const SECRET = /^whsec_([A-Za-z0-9+/]+=*)$/

/** The bytes of a secret; undefined: it is none. */
export function readSecret(text: string): Uint8Array | undefined {
  const base64 = SECRET.exec(text)?.[1]
  const bytes = base64 === undefined ? new Uint8Array() : decode(base64)
  return bytes.length < 24 || bytes.length > 64 ? undefined : bytes
}

function decode(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
