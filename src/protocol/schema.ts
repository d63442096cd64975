import { Refusal } from './errors.ts'

/**
 * Descriptions of JSON values that check, type and document at once. Here, and not a library, because `protocol/`
 * goes into clients and edge bundles and has no dependency; it knows no more than the protocol's own shapes.
 */
export interface Schema<T> {
  /** Returns the value, typed. @throws Refusal `bad_request`, `unknown_field` */
  check(value: unknown, path: string): T
  /** JSON Schema 2020-12, for OpenAPI. */
  readonly json: Readonly<Record<string, unknown>>
}

export type Infer<S> = S extends Schema<infer T> ? T : never

const wrong = (path: string, expected: string): Refusal => new Refusal('bad_request', `\`${path}\` must be ${expected}`)

export const text = (o: { pattern?: string; max?: number; says: string }): Schema<string> => {
  const pattern = o.pattern === undefined ? undefined : new RegExp(o.pattern)
  return {
    check(value, path) {
      const fits = typeof value === 'string' && value.length <= (o.max ?? Number.POSITIVE_INFINITY)
      if (!fits || pattern?.test(value) === false) throw wrong(path, o.says)
      return value
    },
    json: { type: 'string', ...(o.pattern && { pattern: o.pattern }), ...(o.max && { maxLength: o.max }) },
  }
}

/** A name whose pattern is somebody else's to check, who refuses it under a code of its own. */
export const nameOf = (says: string, pattern: string): Schema<string> => ({
  ...text({ says }),
  json: { type: 'string', pattern },
})

export const integer = (min: number, max: number): Schema<number> => ({
  check(value, path) {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw wrong(path, `a whole number from ${min} to ${max}`)
    }
    return value as number
  },
  json: { type: 'integer', minimum: min, maximum: max },
})

export const boolean: Schema<boolean> = {
  check(value, path) {
    if (typeof value !== 'boolean') throw wrong(path, 'true or false')
    return value
  },
  json: { type: 'boolean' },
}

/** Any JSON value: whoever needs its text takes that from the source. */
export const anything: Schema<unknown> = { check: (value) => value, json: {} }

/** Described here, and checked where its text is read: each by itself, so that a wrong one harms no other. */
export const later = (schema: Schema<unknown>): Schema<unknown> => ({ ...anything, json: schema.json })

export const list = <T>(item: Schema<T>, most: number, least = 0): Schema<readonly T[]> => ({
  check(value, path) {
    if (!Array.isArray(value) || value.length > most || value.length < least) {
      throw wrong(path, least === 0 ? `a list of at most ${most}` : `a list of ${least} to ${most}`)
    }
    return value.map((each, i) => item.check(each, `${path}[${i}]`))
  },
  json: { type: 'array', items: item.json, maxItems: most, ...(least > 0 && { minItems: least }) },
})

export const either = <A, B>(a: Schema<A>, b: Schema<B>, says: string): Schema<A | B> => ({
  check(value, path) {
    for (const schema of [a, b]) {
      try {
        return schema.check(value, path)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
      }
    }
    throw wrong(path, says)
  },
  json: { anyOf: [a.json, b.json] },
})

type Fields = Readonly<Record<string, Schema<unknown>>>
type Shape<F extends Fields, R extends keyof F> = { readonly [name in R]: Infer<F[name]> } & {
  readonly [name in Exclude<keyof F, R>]?: Infer<F[name]>
}

/** An object that has no unknown fields, and those that are required. */
export const object = <F extends Fields, R extends keyof F & string = never>(
  fields: F,
  required: readonly R[] = [],
): Schema<Shape<F, R>> => ({
  check(value, path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
    for (const [name, member] of Object.entries(value)) {
      if (!Object.hasOwn(fields, name))
        throw new Refusal('unknown_field', `\`${name.slice(0, 64)}\` is not a field of \`${path}\``)
      fields[name]?.check(member, name)
    }
    const missing = required.find((name) => !Object.hasOwn(value, name))
    if (missing !== undefined) throw new Refusal('bad_request', `\`${path}\` needs \`${missing}\``)
    return value as Shape<F, R>
  },
  json: {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, schema.json])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  },
})

/** An object with exactly one of those fields, or with one at least. */
export const needing = <T extends object>(
  schema: Schema<T>,
  how: 'oneOf' | 'anyOf',
  names: readonly (keyof T & string)[],
  says: string,
): Schema<T> => ({
  check(value, path) {
    const checked = schema.check(value, path)
    const count = names.filter((name) => Object.hasOwn(checked, name)).length
    if (count === 0 || (how === 'oneOf' && count > 1)) throw new Refusal('bad_request', says)
    return checked
  },
  json: { ...schema.json, [how]: names.map((name) => ({ required: [name] })) },
})
