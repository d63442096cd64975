import type { Cores } from './machine/cpu.ts'
import type { Measured } from './report/row.ts'
import type { Server } from './servers/server.ts'
import { KINDS, type KindName } from './servers/servers.ts'
import { fanout } from './work/fanout.ts'
import { held } from './work/held.ts'
import { idle } from './work/idle.ts'
import { publish } from './work/publish.ts'
import { bundleSize, startUp } from './work/size.ts'
import { connectStorm, resumeStorm } from './work/storm.ts'

/** One server at one work. */
export interface Job {
  readonly work: Work
  readonly server: KindName
  /** On a server that was started for it; a ladder is climbed as long as a rung holds. */
  readonly rungs?: readonly ((server: Server, cores: Cores | undefined) => Promise<Measured>)[]
  /** Or without one. */
  readonly alone?: (cores: Cores | undefined) => Promise<Measured>
}

/** What is measured, and in what a reader is told it is. */
export const WORKS = {
  'fan-out': '1 room, 500 subscribers, messages of 128 bytes',
  'fan-out-5000': '1 room, 5,000 subscribers',
  'fan-out-rooms': '1,000 rooms of 10 subscribers',
  poll: '500 clients that poll, 50 messages a second',
  sse: '500 Server-Sent Events streams, 50 messages a second',
  'publish-http': '50 kept-alive clients, each its next message upon the acknowledgement of the last',
  'publish-ws': '50 connections, each its next message upon the acknowledgement of the last',
  connect: '5,000 clients connect to one room as fast as they are let in',
  resume: '5,000 clients come back at once, each 100 messages behind, while 200 others are spoken to',
  idle: '10,000 connections in 100 rooms that say and hear nothing but heartbeats',
  'start-up': 'from the start of the process to its first answer',
  bundle: 'what a deploy to the edge uploads',
} as const

export type Work = keyof typeof WORKS

/** Everything, the most important first: what is left when the time is over is not measured. `quick`: a taste of it. */
export function plan(quick: boolean): readonly Job[] {
  const seconds = quick ? 1 : 2
  const ladder = (work: Work, server: KindName, rates: readonly number[], rooms: number, subscribers: number): Job => {
    const publishers = rooms === 1 ? 2 : 1
    // The first rung is climbed by a server that has only just started.
    const rung = (rate: number, i: number) => (started: Server, cores: Cores | undefined) =>
      fanout(started, { rate, rooms, subscribers, publishers, seconds, warmUp: i === 0 ? 3 : 1 }, cores)
    return { work, server, rungs: rates.map(rung) }
  }
  const one = (
    work: Work,
    server: KindName,
    rung: (server: Server, cores: Cores | undefined) => Promise<Measured>,
  ): Job => ({ work, server, rungs: [rung] })
  const small = (server: KindName, ...rates: number[]) => ladder('fan-out', server, rates, 1, 500)
  const large = (server: KindName, ...rates: number[]) => ladder('fan-out-5000', server, rates, 1, 5000)
  const many = (server: KindName, ...rates: number[]) => ladder('fan-out-rooms', server, rates, 1000, 10)
  const line = (by: 'poll' | 'sse') => (server: KindName) =>
    one(by, server, (started, cores) => held(started, by, { clients: 500, rate: 50, seconds: seconds + 1 }, cores))
  const durable = (by: 'http' | 'websocket') => (server: KindName) =>
    one(by === 'http' ? 'publish-http' : 'publish-ws', server, (started, cores) =>
      publish(started, by, seconds + 1, cores),
    )
  const connect = (server: KindName) => one('connect', server, (started, cores) => connectStorm(started, 5000, cores))
  const resume = (server: KindName) =>
    one('resume', server, (started, cores) => resumeStorm(started, quick ? 1000 : 5000, cores))
  // workerd takes two files a connection (1.20261117), and 20,000 is what a system often lets a process have.
  const crowd = (server: KindName) => (quick ? 2000 : server === 'workerd' ? 6000 : 10_000)
  const resting = (server: KindName, whole: boolean) =>
    one('idle', server, (started, cores) => idle(started, crowd(server), quick ? 5 : whole ? 25 : 10, cores))
  const start = (server: KindName): Job => ({
    work: 'start-up',
    server,
    alone: (cores) => startUp(KINDS[server], cores),
  })
  const bundle: Job = { work: 'bundle', server: 'workerd', alone: bundleSize }

  if (quick) {
    return [
      small('node', 25_000, 1_000_000),
      small('ws', 25_000, 100_000),
      small('socket.io', 50_000, 100_000),
      small('nchan', 100_000, 200_000),
      small('workerd', 500_000),
      small('partyserver', 10_000, 25_000),
      line('poll')('node'),
      ...(['node', 'node-full'] as const).map(durable('http')),
      resume('node'),
      resting('node', false),
      start('node'),
      bundle,
    ]
  }
  return [
    small('node', 25_000, 200_000, 1_000_000, 2_000_000, 3_000_000),
    small('ws', 25_000, 50_000, 75_000, 100_000, 150_000, 200_000),
    small('socket.io', 25_000, 50_000, 75_000, 100_000, 150_000, 200_000),
    small('nchan', 25_000, 50_000, 100_000, 150_000, 200_000, 300_000, 400_000),
    small('workerd', 25_000, 200_000, 500_000, 1_000_000),
    small('partyserver', 5000, 10_000, 15_000, 25_000),
    small('node-compressed', 25_000, 200_000, 1_000_000),
    small('node-plain', 25_000, 200_000, 700_000, 1_000_000, 2_000_000),
    ...(['node', 'workerd', 'nchan'] as const).map(line('poll')),
    ...(['node', 'node-full', 'workerd'] as const).map(durable('http')),
    ...(['node', 'workerd'] as const).map(resume),
    resting('node', true),
    ...(['node', 'workerd', 'ws', 'socket.io', 'nchan'] as const).map(start),
    bundle,
    ...(['node', 'workerd', 'nchan'] as const).map(line('sse')),
    ...(['node', 'node-full', 'workerd'] as const).map(durable('websocket')),
    ...(['node', 'ws', 'socket.io', 'nchan', 'workerd'] as const).map(connect),
    large('node', 200_000, 1_000_000, 2_000_000),
    large('ws', 100_000),
    large('socket.io', 50_000),
    large('nchan', 200_000),
    large('workerd', 200_000, 500_000),
    many('node', 25_000, 100_000),
    many('ws', 25_000, 100_000),
    many('nchan', 25_000, 100_000),
    many('socket.io', 25_000),
    ...(['workerd', 'ws', 'socket.io', 'nchan'] as const).map((server) => resting(server, false)),
  ]
}
