import { LIMITS } from '../protocol/limits.ts'
import type { DeadLetter } from '../protocol/webhook.ts'
import { afterId, deadLimit, type Query } from './parameters.ts'
import type { RoomStub } from './ports.ts'
import { json, jsonText, problem } from './respond.ts'

/** `GET /v1/rooms/:room/webhooks/dead?after=&limit=` (HOOK-8). */
export async function deadLetters(query: Query, stub: RoomStub): Promise<Response> {
  const most = deadLimit.read(query) ?? LIMITS.deadDefault
  const reply = await stub.command({ type: 'dead', after: afterId.read(query) ?? '', limit: most })
  if (reply.type === 'error') return problem(reply.code, reply.message)
  if (reply.type !== 'dead') throw new Error(`A request for dead letters was answered with ${reply.type}`)
  const letters = reply.letters.map(letterJson).join(',')
  return jsonText(`{"dead":[${letters}],"next":${JSON.stringify(reply.next)}}`)
}

/** `POST /v1/rooms/:room/webhooks/dead/:id/resend`, or without an id all of them (HOOK-8). */
export async function resend(id: string | undefined, stub: RoomStub): Promise<Response> {
  const reply = await stub.command({ type: 'resend', ...(id !== undefined && { key: id }) })
  if (reply.type === 'error') return problem(reply.code, reply.message)
  if (reply.type !== 'resent') throw new Error(`A resend was answered with ${reply.type}`)
  return json({ resent: reply.count }, 202)
}

/** The events are spliced as they were told. */
const letterJson = ({ key, count, events, reason, died }: DeadLetter): string =>
  `{"id":"${key}","count":${count},"reason":${JSON.stringify(reason)},"died":${died},"events":[${events.replaceAll('\n', ',')}]}`
