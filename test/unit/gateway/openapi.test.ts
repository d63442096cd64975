import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { createGateway } from '../../../src/gateway/app.ts'
import { documentText } from '../../../src/gateway/openapi/document.ts'
import { ERRORS } from '../../../src/protocol/errors.ts'
import { Document } from '../../conformance/clients/document.ts'

const document = new Document(documentText())

describe('the document', () => {
  test('DOC-1 is OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(JSON.parse(documentText()) as Record<string, unknown>)
    expect([valid, errors, validator.version]).toEqual([true, undefined, '3.1'])
  })

  test('DOC-1 has every route that the gateway has, and no other', () => {
    const app = createGateway(() => {
      throw new Error('no request is made')
    })
    const served = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
    const documented = document.operations.map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    )
    expect(documented.sort()).toEqual(served.sort())
    expect(new Set(document.operations.map(({ operationId }) => operationId)).size).toBe(documented.length)
  })

  test('DOC-1 has every error code, under its status', () => {
    const codes = new Set(document.operations.flatMap((operation) => document.codesOf(operation)))
    // What only operations of a WebSocket can be answered.
    codes.add('unknown_op')
    expect([...codes].sort()).toEqual(Object.keys(ERRORS).sort())
    expect(document.complaints(document.component('ErrorCode'), 'unknown_op')).toEqual([])
    for (const [name, { content = {} }] of Object.entries(document.components.responses)) {
      for (const { schema, examples = {} } of Object.values(content)) {
        expect(Object.keys(examples)).toEqual(name.split('.'))
        for (const { value } of Object.values(examples)) {
          expect(document.complaints(schema, value)).toEqual([])
          const { code, status } = value as { code: keyof typeof ERRORS; status: number }
          expect(status).toBe(ERRORS[code].status)
        }
      }
    }
  })

  test('DOC-2 its examples are as its schemas have them', () => {
    const wrong = document.operations.flatMap((operation) => {
      const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap((each) =>
        each !== undefined && 'content' in each ? Object.values(each.content ?? {}) : [],
      )
      return [...operation.parameters, ...contents].flatMap(({ schema, examples = {}, ...rest }) => {
        const shown = Object.values(examples).map(({ value }) => value)
        const values = 'example' in rest ? [...shown, rest.example] : shown
        return values.flatMap((value) => document.complaints(schema, value).map((why) => `${operation.path}: ${why}`))
      })
    })
    expect(wrong).toEqual([])
  })
})
