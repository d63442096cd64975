import type { ErrorCode } from '../../protocol/errors.ts'
import type { Parameter } from '../parameters.ts'

/** JSON Schema 2020-12. */
export type Json = { readonly optional?: never; readonly [keyword: string]: unknown }

interface Optional {
  readonly optional: Json
}

export const optional = (json: Json): Optional => ({ optional: json })

/** An object as it is answered: described in the same fields as its type has, or it does not compile. */
export function shape<T>(fields: { readonly [K in keyof T]-?: object extends Pick<T, K> ? Optional : Json }): Json {
  const all = Object.entries<Json | Optional>(fields)
  const isOptional = (field: Json | Optional): field is Optional => field.optional !== undefined
  return {
    type: 'object',
    properties: Object.fromEntries(all.map(([name, field]) => [name, isOptional(field) ? field.optional : field])),
    required: all.filter(([, field]) => !isOptional(field)).map(([name]) => name),
  }
}

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
export const string: Json = { type: 'string' }
export const count: Json = { type: 'integer', minimum: 0 }
export const boolean: Json = { type: 'boolean' }
export const listOf = (items: Json): Json => ({ type: 'array', items })
export const oneOf = (...values: readonly (string | number | boolean)[]): Json => ({ enum: values })
export const orNull = (json: Json): Json => ({ anyOf: [json, { type: 'null' }] })
export const seconds: Json = { type: 'number', minimum: 0, description: 'Seconds.' }
export const milliseconds: Json = { type: 'integer', minimum: 0, description: 'Milliseconds since 1970.' }

/** One answer that is no error. */
export interface Answer {
  readonly says: string
  /** Default `application/json`; of an answer without a schema there is no body. */
  readonly type?: string
  readonly schema?: Json
  readonly headers?: Readonly<Record<string, Json>>
}

/** A request that can be sent as it stands, and what is answered. */
export interface Example {
  readonly says: string
  /** Of parameters, by name. */
  readonly with?: Readonly<Record<string, unknown>>
  /** The media type of the body. */
  readonly type?: string
  readonly body?: unknown
  /** Which of the answers it gets. */
  readonly status: number
  readonly answer?: unknown
}

/** What is to be known of a route; all else is told by its path. */
export interface Route {
  readonly id: string
  /** In a few words. */
  readonly says: string
  /** Markdown: what there is to know besides. */
  readonly more?: string
  /** Who may use it: whoever can reach it, who has a token or an API key, or an API key alone. */
  readonly access: 'anyone' | 'token' | 'key'
  readonly parameters?: readonly Parameter[]
  /** By media type. */
  readonly body?: Readonly<Record<string, Json>>
  readonly answers: Readonly<Record<number, Answer>>
  /** Beyond those that every route like it has. */
  readonly refusals?: readonly ErrorCode[]
  /** By name. Sent in their order, each succeeds. */
  readonly examples: Readonly<Record<string, Example>>
}

/** A family of routes, by method and path as the gateway registers them. */
export interface Family {
  readonly name: string
  readonly says: string
  readonly routes: Readonly<Record<`${'GET' | 'POST' | 'PUT' | 'DELETE'} /${string}`, Route>>
}
