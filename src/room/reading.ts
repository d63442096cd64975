import { CLOSE } from '../protocol/codes.ts'
import type { Log } from './log/log.ts'
import type { Connection, HistoryRead, RoomHost, Scan } from './ports.ts'
import type { Room } from './room.ts'

/** Reads what a room asked its host for; who waits for it is told if that cannot be. */
export function readFor(
  room: Room<unknown>,
  log: Pick<Log, 'read'>,
  { reader, scan }: { readonly reader: Connection | HistoryRead; readonly scan: Scan },
  host: Pick<RoomHost, 'reply' | 'report'>,
): void {
  try {
    room.page(reader, log.read(scan))
  } catch (error) {
    host.report(error)
    if (!('replyTo' in reader)) reader.close(CLOSE.storage, 'storage')
    else if ('connection' in reader.replyTo) reader.replyTo.connection.close(CLOSE.storage, 'storage')
    else host.reply(reader.replyTo.ticket, { type: 'error', code: 'storage', message: 'The log cannot be read' })
  }
}
