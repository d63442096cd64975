/** IPv4 networks that are nobody's public address (IANA special-purpose registry, 2026-11), as first address and bits. */
const PRIVATE_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

const V4 = /^\d{1,3}(\.\d{1,3}){3}$/

/** Is it an address at all, and not a name? */
export const isAddress = (host: string): boolean => V4.test(host) || host.includes(':')

/** An address that no webhook may go to unless the operator allows it: loopback, private, link-local, and the like. */
export function isPrivateAddress(address: string): boolean {
  if (V4.test(address)) return isPrivateV4(toNumber(address))
  const words = toWords(address.split('%')[0] as string)
  if (words === null) return true
  const [a = 0, b = 0] = words
  const last = (words[6] ?? 0) * 65_536 + (words[7] ?? 0)
  const isZeroUpTo = (end: number): boolean => words.slice(0, end).every((word) => word === 0)
  // Mapped and compatible addresses (::ffff:a.b.c.d, ::a.b.c.d; :: and ::1 among them).
  if (isZeroUpTo(5) && (words[5] === 0xffff || words[5] === 0)) return isPrivateV4(last)
  // Those that carry an IPv4 address: NAT64 and 6to4. Teredo hides one.
  if (a === 0x64 && b === 0xff9b) return words.slice(2, 6).some((word) => word !== 0) || isPrivateV4(last)
  if (a === 0x2002) return isPrivateV4(b * 65_536 + (words[2] ?? 0))
  // What is not global unicast (2000::/3) is private, link-local, multicast or unassigned; then Teredo and documentation.
  return a >> 13 !== 1 || (a === 0x2001 && (b < 0x200 || b === 0xdb8)) || a === 0x3fff
}

const isPrivateV4 = (address: number): boolean =>
  PRIVATE_V4.some(([first, bits]) => {
    const size = 2 ** (32 - bits)
    return Math.floor(address / size) === Math.floor(toNumber(first) / size)
  })

const toNumber = (v4: string): number => v4.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

/** The eight words of an IPv6 address; null: it is none. */
function toWords(address: string): number[] | null {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (v4) => {
    const n = toNumber(v4)
    return `${Math.floor(n / 65_536).toString(16)}:${(n % 65_536).toString(16)}`
  })
  const [head = '', tail] = text.split('::')
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  const missing = 8 - front.length - back.length
  if (missing < 0 || (tail === undefined && missing > 0)) return null
  const all = [...front, ...new Array<number>(missing).fill(0), ...back]
  return all.every((word) => word >= 0 && word <= 0xffff) ? all : null
}

/**
 * The host of a target as far as its URL tells it. @throws Error that says why it is refused; names are checked again
 * when they are resolved, where the runtime lets us.
 */
export function checkTarget(target: string, mayBePrivate: boolean): void {
  const url = URL.parse(target)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new Error('A webhook target is an http or https URL')
  }
  if (mayBePrivate) return
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (host === 'localhost' || host.endsWith('.localhost') || (isAddress(host) && isPrivateAddress(host))) {
    throw new Error(`${host} is a private address; set HOLDLINE_WEBHOOK_PRIVATE=1 if the backend is meant to be there`)
  }
}
