import { BlockList, isIP, type Server, type Socket } from 'node:net'
import { networkOf } from '../gateway/access/network.ts'

const REFUSED =
  'HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\nconnection: close\r\n\r\n' +
  '{"type":"urn:holdline:error:rate","title":"Too many in a short time","status":429,"detail":"Too many connections from this address","code":"rate"}'

/** Who the clients are, by address: behind proxies that are trusted by name, and no others. */
export class Clients {
  readonly #proxies = new BlockList()
  readonly #hasProxies: boolean
  readonly #limit: number
  readonly #sockets = new Map<string, number>()

  /** `proxies`: addresses and subnets; `limit`: connections of one address. @throws if a proxy is neither */
  constructor(proxies: readonly string[], limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit
    this.#hasProxies = proxies.length > 0
    for (const proxy of proxies) {
      const [address = '', bits] = proxy.split('/')
      const isV6 = isIP(address) === 6
      this.#proxies.addSubnet(address, Number(bits ?? (isV6 ? 128 : 32)), isV6 ? 'ipv6' : 'ipv4')
    }
  }

  /**
   * Turns away connections of an address that has too many already, before they cost anything (LIMIT-3). One that is
   * secured can be told why only after its handshake; far beyond the limit it is cut off.
   */
  watch(server: Server, isSecured: boolean, refuse: (socket: Socket) => void = refuseHttp): void {
    if (!Number.isFinite(this.#limit)) return
    server.on('connection', (socket: Socket) => {
      const address = plain(socket.remoteAddress)
      if (address === undefined || this.#isProxy(address)) return
      const network = networkOf(address)
      const count = (this.#sockets.get(network) ?? 0) + 1
      this.#sockets.set(network, count)
      // Not `once`, whose wrapper every connection would hold (176 bytes): it closes once.
      socket.on('close', () => this.#left(network))
      if (!isSecured && count > this.#limit) refuse(socket)
      if (isSecured && count > 2 * this.#limit) socket.destroy()
    })
    server.on('secureConnection', (socket: Socket) => {
      if ((this.#sockets.get(networkOf(plain(socket.remoteAddress) ?? '')) ?? 0) > this.#limit) refuse(socket)
    })
  }

  /** The address of who sent a request: what the last proxy that is trusted saw. */
  addressOf(socket: { readonly remoteAddress?: string | undefined }, forwarded: string | null): string | undefined {
    let address = plain(socket.remoteAddress)
    const hops = forwarded?.split(',').map((hop) => hop.trim()) ?? []
    while (address !== undefined && this.#isProxy(address)) {
      const hop = plain(bare(hops.pop()))
      if (hop === undefined || isIP(hop) === 0) break
      address = hop
    }
    return address
  }

  #isProxy(address: string): boolean {
    return this.#hasProxies && this.#proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  #left(network: string): void {
    const count = (this.#sockets.get(network) ?? 1) - 1
    if (count > 0) this.#sockets.set(network, count)
    else this.#sockets.delete(network)
  }
}

function refuseHttp(socket: Socket): void {
  socket.end(REFUSED)
  socket.destroySoon()
}

/** Some proxies name the port as well. */
const bare = (hop: string | undefined): string | undefined =>
  hop?.replace(/^\[([^\]]+)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')

/** IPv4 within IPv6 is IPv4. */
const plain = (address: string | undefined): string | undefined => address?.replace(/^::ffff:(?=\d+\.)/i, '')
