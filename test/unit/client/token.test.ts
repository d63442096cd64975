import { expect, it } from 'vitest'
import { Tokens } from '../../../src/client/token.ts'
import { Clock } from './clock.ts'

function tokens(life: number) {
  const clock = new Clock()
  const renewed: string[] = []
  let made = 0
  const source = () => {
    const exp = clock.now() / 1000 + life
    return `h.${Buffer.from(JSON.stringify({ exp, sub: 'ä' })).toString('base64url')}.${++made}`
  }
  return { clock, renewed, tokens: new Tokens(source, clock, (token) => renewed.push(`${token.at(-1)}`)) }
}

it('asks once for all who need it, and again before it ends', async () => {
  const { clock, renewed, tokens: all } = tokens(3600)
  expect(await all.get()).toBe(await all.get())
  clock.pass(3539_000)
  expect((await all.get())?.at(-1)).toBe('1')
  clock.pass(1000)
  await all.get()
  expect(renewed).toEqual(['2'])
})

it('takes a brief token for four fifths of its life', async () => {
  const { clock, renewed, tokens: all } = tokens(10)
  await all.get()
  clock.pass(7999)
  expect(renewed).toEqual([])
  clock.pass(1)
  await all.get()
  expect(renewed).toEqual(['2'])
})

it('says why there is none, and asks again the next time', async () => {
  let asked = 0
  const fails = () => Promise.reject(new Error(`no ${++asked}`))
  const all = new Tokens(fails, new Clock(), () => {})
  await expect(all.get()).rejects.toMatchObject({ code: 'token', message: 'no token: Error: no 1' })
  await expect(all.get()).rejects.toMatchObject({ message: 'no token: Error: no 2' })
})

it('knows no end of an opaque token', async () => {
  const clock = new Clock()
  expect(
    await new Tokens(
      () => 'opaque',
      clock,
      () => {},
    ).get(),
  ).toBe('opaque')
  expect(await new Tokens('fixed', clock, () => {}).get()).toBe('fixed')
  expect(await new Tokens(undefined, clock, () => {}).get()).toBeUndefined()
  expect(clock.waiting).toBe(0)
})
