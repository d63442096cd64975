import { expect, it, onTestFinished, vi } from 'vitest'
import { openLog } from '../../../src/cloudflare/log.ts'

it('on the edge a line is JSON too, goes to the console of its level, and has no secret in it', () => {
  const lines: [string, Record<string, unknown>][] = []
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((line) => void lines.push([level, JSON.parse(line)]))
    onTestFinished(() => spy.mockRestore())
  }
  const tell = openLog('warn')
  tell('debug', 'not told')
  tell('info', 'not told')
  tell('warn', 'told', { room: 'lobby', url: '/v1/ws?token=hunter22' })
  tell('error', 'told', { error: new TypeError('Bearer hunter22') })
  expect(lines).toEqual([
    ['warn', { level: 'warn', msg: 'told', room: 'lobby', url: '/v1/ws?token=[redacted]' }],
    [
      'error',
      {
        level: 'error',
        msg: 'told',
        error: { type: 'TypeError', message: 'Bearer [redacted]', stack: expect.stringContaining('TypeError') },
      },
    ],
  ])
})
