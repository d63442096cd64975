import { describe, it } from 'vitest'
import { scenarios } from './scenarios.ts'
import { World } from './world.ts'

describe('a room', () => {
  it.each(Object.entries(scenarios))('%s', (_, { room, play }) => {
    play(new World(room === undefined ? {} : { room }))
  })
})

/** Between any two events a room may sleep, or its process may find its storage gone and begin anew. */
describe('a room thrown away and born again before every event', () => {
  it.each(Object.entries(scenarios))('%s', (_, { room, play }) => {
    play(new World({ amnesia: true, ...(room !== undefined && { room }) }))
  })
})
