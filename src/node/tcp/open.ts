import type { Runtime } from '../../gateway/ports.ts'
import { tcp } from '../../gateway/transports/tcp.ts'
import { type TcpOptions, TcpServer } from './tcp-server.ts'

/** Listens for TCP clients. Apart, since a gateway that takes none loads nothing of it. @throws if the address is taken */
export async function openTcp(
  port: number,
  host: string,
  runtime: Runtime,
  options: Omit<TcpOptions, 'open'>,
): Promise<TcpServer> {
  const lines = new TcpServer({ ...options, open: (line, from, leg) => tcp(line, from, leg, runtime) })
  await lines.listen(port, host)
  return lines
}
