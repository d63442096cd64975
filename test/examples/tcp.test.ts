import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { say, wholeHistory } from '../conformance/clients/http.ts'
import { Framed } from '../conformance/clients/websocket.ts'
import { freshRoom, Gateway } from '../conformance/suite.ts'
import { need, starts } from '../needs.ts'
import { needPhp } from '../php/php.ts'
import { node } from '../targets/node.ts'
import { root, tcpAddresses } from '../targets/target.ts'

// On Node alone, as TCP is.
const gateway = new Gateway(node)
beforeAll(async () => {
  need('nc', ['netcat-openbsd'], () => starts('nc', '-h'))
  needPhp()
  await gateway.start()
}, 180_000)
afterAll(() => gateway.stop())

function run(command: string, ...args: string[]) {
  const { port } = new URL(`${tcpAddresses.get(gateway.url)}`.replace('tcp:', 'http:'))
  const env = { ...process.env, HOLDLINE_TCP_PORT: port }
  const child = spawn(command, args, { cwd: join(root, 'examples/tcp'), env, detached: true })
  // With its group, since a shell's `nc` is a child of its own.
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGKILL')
  })
  return child
}

/** The events that it prints, as they come. */
async function* printed({ stdout }: ChildProcess): AsyncGenerator<Record<string, unknown>> {
  let begun = ''
  for await (const piece of stdout ?? []) {
    const lines = `${begun}${piece}`.split('\n')
    begun = lines.pop() as string
    for (const line of lines) yield JSON.parse(line)
  }
}

test('TCP-1 nc follows a room, and goes on where it left', async () => {
  const room = freshRoom()
  const heard = printed(run('./follow.sh', room))
  expect((await heard.next()).value).toMatchObject({ type: 'welcome', room })
  const cursor = await say(gateway.url, room, 'Grüße 😀')
  expect((await heard.next()).value).toMatchObject({ type: 'message', data: 'Grüße 😀', cursor })
  await say(gateway.url, room, 'later')
  const again = printed(run('./follow.sh', room, cursor))
  expect((await again.next()).value).toMatchObject({ type: 'welcome', recovered: true })
  expect((await again.next()).value).toMatchObject({ data: 'later' })
})

test('TCP-5 nc -N publishes what it is piped, hears that it was taken, and ends', async () => {
  const room = freshRoom()
  const child = run('./send.sh', room)
  child.stdin.end('"one"\n{"two":2}\nnot JSON\n')
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const types = said
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type)
  expect([code, types.sort()]).toEqual([0, ['ack', 'ack', 'error', 'welcome']])
  expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual(['one', { two: 2 }])
})

test('PHP’s sockets say and hear, and come back with their cursor: nothing is lost, said twice or heard twice', async () => {
  const room = freshRoom()
  const framed = await Framed.open(gateway.url, room)
  const php = run('php', 'client.php', room, 'Grüße', '4')
  const heard = printed(php)
  expect((await framed.messages(1))[0]?.data).toEqual({ text: 'Grüße' })
  expect((await heard.next()).value).toEqual({ text: 'Grüße' })
  await say(gateway.url, room, 'two')
  expect((await heard.next()).value).toBe('two')
  await gateway.running.crash()
  for (const data of ['three', 'four']) await say(gateway.url, room, data)
  expect([(await heard.next()).value, (await heard.next()).value]).toEqual(['three', 'four'])
  if (php.exitCode === null) await once(php, 'exit')
  expect(php.exitCode).toBe(0)
  expect((await wholeHistory(gateway.url, room)).map(({ data }) => data)).toEqual([
    { text: 'Grüße' },
    'two',
    'three',
    'four',
  ])
})

test('TCP-2 PHP is told why it may not come in', async () => {
  const php = run('php', 'client.php', 'no such name')
  const [said, [code]] = await Promise.all([text(php.stderr), once(php, 'exit')])
  expect([code, said]).toEqual([1, expect.stringMatching(/^4500 bad_room: /)])
})
