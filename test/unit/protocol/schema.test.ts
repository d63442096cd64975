import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { multiSchemas } from '../../../src/gateway/multi/operations.ts'
import * as parameters from '../../../src/gateway/parameters.ts'
import { revokeSchema } from '../../../src/gateway/revoke.ts'
import { Refusal } from '../../../src/protocol/errors.ts'
import {
  batchItemSchema,
  operationSchemas,
  presenceSchema,
  publicationSchema,
} from '../../../src/protocol/operations.ts'
import type { Schema } from '../../../src/protocol/schema.ts'

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false })

function passes(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

const wrong = fc.constantFrom(null, true, 0, -1, 1.5, 'text', [], {})
const mostly = (right: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown> = wrong) =>
  fc.oneof({ arbitrary: right, weight: 6 }, { arbitrary: other, weight: 1 })
const list = (item: fc.Arbitrary<unknown>) =>
  mostly(fc.array(item, { maxLength: 2 }), fc.array(item, { minLength: 30, maxLength: 35 }))
const name = mostly(fc.constantFrom('ada', 'n1'), fc.constantFrom('', 'a b', 'x'.repeat(65), 'x'.repeat(129), 'ünï'))
const groups = { sessions: list(name), users: list(name) }
const audience = mostly(
  fc.record(groups, { requiredKeys: ['users'] }),
  fc.record({ ...groups, extra: wrong }, { requiredKeys: [] }),
)

/** Something like a body, with what is wrong in it here and there; a cursor and a room are right, since their own code checks them. */
const body = fc.record({
  op: fc.constantFrom('publish', 'ping', 5),
  ref: mostly(name),
  id: mostly(name),
  event: mostly(name),
  data: wrong,
  bytes: mostly(fc.constant('QQ==')),
  to: mostly(audience),
  except: mostly(list(name)),
  echo: mostly(fc.boolean()),
  ephemeral: mostly(fc.boolean()),
  room: mostly(fc.constant('lobby')),
  after: fc.constantFrom('0-0', 5),
  before: fc.constantFrom('0-0', null),
  cursor: fc.constantFrom('0-0', 5),
  limit: mostly(fc.integer({ min: -1, max: 1001 })),
  rewind: mostly(fc.integer({ min: -1, max: 1001 })),
  presence: fc.constantFrom('1', 5),
  state: wrong,
  token: mostly(name),
  n: mostly(fc.nat()),
  user: mostly(name),
  session: mostly(name),
  extra: wrong,
})

const schemas: Record<string, Schema<unknown>> = {
  publication: publicationSchema,
  'item of a batch': batchItemSchema,
  'presence state': presenceSchema,
  revocation: revokeSchema,
  ...operationSchemas,
  ...multiSchemas,
}

describe('DOC-1 what checks is what documents', () => {
  it.each(Object.entries(schemas))('DOC-1 a body takes what its JSON Schema takes: %s', (_, schema) => {
    const validate = ajv.compile(schema.json)
    const fields = Object.keys(schema.json.properties as object)
    const kept = mostly(fc.subarray(fields), fc.subarray([...fields, 'extra'])) as fc.Arbitrary<string[]>
    const some = mostly(fc.tuple(body, kept).map(([all, names]) => only(all, names)))
    let taken = 0
    fc.assert(
      fc.property(some, (value) => {
        const isTaken = passes(() => schema.check(value, 'body'))
        taken += Number(isTaken)
        expect([validate(value), validate.errors]).toEqual([isTaken, isTaken ? null : expect.anything()])
      }),
      { numRuns: 3000 },
    )
    // Where nothing fits, agreement says nothing.
    expect(taken).toBeGreaterThan(10)
  })

  const readers = Object.entries(parameters).filter(([each]) => !['rooms', 'cursors', 'presences'].includes(each))
  const values = [
    '',
    '!',
    'a b',
    '0',
    '1',
    '-1',
    '1.5',
    '56',
    '1000',
    '1001',
    '0-0',
    'r1',
    'r',
    'x'.repeat(22),
    'x'.repeat(129),
  ]

  it.each(readers)('DOC-1 a parameter takes what its JSON Schema takes: %s', (_, parameter) => {
    const validate = ajv.compile(parameter.json)
    for (const text of values) {
      // A cursor is opaque to all but who reads it: its schema may take more.
      if (parameter.json === parameters.cursor.json && text !== '0-0' && validate(text)) continue
      const value = parameter.json.type === 'integer' && text !== '' ? Number(text) : text
      expect([text, validate(value)]).toEqual([text, passes(() => parameter.read(() => text))])
    }
  })
})

const only = (all: object, kept: readonly string[]): object =>
  Object.fromEntries(Object.entries(all).filter(([field]) => kept.includes(field)))
