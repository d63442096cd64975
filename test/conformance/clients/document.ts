import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { API_KEY, bearer } from './tokens.ts'

export interface Operation {
  readonly method: string
  readonly path: string
  readonly operationId: string
  readonly security: readonly object[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Record<string, Content> }
  readonly responses: Record<string, Described | { readonly $ref: string }>
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: object
  readonly example?: unknown
  readonly examples?: Examples
}

interface Content {
  readonly schema: object
  readonly examples?: Examples
}

interface Described {
  readonly content?: Record<string, Content>
  readonly headers?: Record<string, { readonly required?: boolean; readonly schema: object }>
}

type Examples = Record<string, { readonly value: unknown }>

interface Source {
  readonly paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>
  readonly components: { readonly schemas: Record<string, object>; readonly responses: Record<string, Described> }
}

/** A request that the document gives as an example, and the status that it shows for it. */
export interface Sample {
  readonly title: string
  readonly name: string
  readonly operation: Operation
  readonly status: number
  /** What it shows as the answer, if it shows any. */
  readonly answer: unknown
}

/** What came back, as far as the document speaks of it. */
export interface Came {
  readonly status: number
  readonly headers: Headers
  /** Parsed, if it is JSON. */
  readonly body: unknown
}

/** The gateway's own document, as a stranger reads it: nothing else is known here of its routes. */
export class Document {
  readonly operations: readonly Operation[]
  readonly components: Source['components']
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })

  constructor(text: string) {
    const source = JSON.parse(text) as Source
    this.components = source.components
    this.operations = Object.entries(source.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
    )
    addFormats.default(this.#ajv)
    this.#ajv.addSchema({ components: closed(source.components) }, 'document')
  }

  get samples(): readonly Sample[] {
    return this.operations.flatMap((operation) =>
      namesOf(operation).map((name) => ({
        title: `${operation.method} ${operation.path} (${name})`,
        name,
        operation,
        ...this.#shown(operation, name),
      })),
    )
  }

  /** What is wrong with a value by a schema of the document. A field that it does not name is wrong too. */
  complaints(schema: object, value: unknown): string[] {
    const check = this.#ajv.compile(absolute(closed(schema)))
    return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }

  component(name: string): object {
    return { $ref: `#/components/schemas/${name}` }
  }

  /** What of an answer is not as the document has it. */
  complaintsOf(operation: Operation, { status, headers, body }: Came): string[] {
    const response = this.#response(operation, status)
    if (response === undefined) return [`status ${status} is not documented`]
    const wrong = Object.entries(response.headers ?? {}).flatMap(([name, header]) => {
      const value = headers.get(name)
      if (value === null) return header.required ? [`${name} is missing`] : []
      return this.complaints(header.schema, /^\d+$/.test(value) ? Number(value) : value).map((why) => `${name}${why}`)
    })
    if (response.content === undefined) return wrong
    const type = (headers.get('content-type') ?? '').split(';')[0] as string
    const content = response.content[type]
    if (content === undefined) return [...wrong, `content type ${type} is not documented for ${status}`]
    return [...wrong, ...this.complaints(content.schema, body)]
  }

  /** Codes that the operation may answer. */
  codesOf(operation: Operation): string[] {
    return Object.keys(operation.responses).flatMap((status) => {
      const content = this.#response(operation, Number(status))?.content?.['application/problem+json']
      const { code } = (content?.schema as { properties?: { code?: { enum: string[] } } })?.properties ?? {}
      return code?.enum ?? []
    })
  }

  #response(operation: Operation, status: number): Described | undefined {
    const found = operation.responses[status]
    if (found === undefined || !('$ref' in found)) return found
    return this.components.responses[found.$ref.split('/').at(-1) as string]
  }

  #shown(operation: Operation, name: string): { status: number; answer: unknown } {
    const statuses = Object.keys(operation.responses).map(Number)
    for (const status of statuses) {
      for (const { examples = {} } of Object.values(this.#response(operation, status)?.content ?? {})) {
        if (name in examples) return { status, answer: examples[name]?.value }
      }
    }
    return { status: Math.min(...statuses), answer: undefined }
  }
}

/** A sample without a name is one of an operation that needs nothing and answers nothing. */
function namesOf({ parameters, requestBody, responses }: Operation): string[] {
  const contents = [
    ...Object.values(requestBody?.content ?? {}),
    ...Object.values(responses).flatMap((each) => ('$ref' in each ? [] : Object.values(each.content ?? {}))),
  ]
  const all = [...parameters, ...contents].flatMap(({ examples = {} }) => Object.keys(examples))
  return all.length > 0 ? [...new Set(all)] : ['only']
}

export interface Sent {
  readonly path: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string
}

/** The request of a sample; `path`: in place of what the document shows for what a path names. */
export function requestOf(
  { operation, name }: Pick<Sample, 'operation' | 'name'>,
  path: Record<string, string> = {},
): Sent {
  const query = new URLSearchParams()
  const headers: Record<string, string> = {}
  let place = operation.path
  for (const parameter of operation.parameters) {
    const value = parameter.examples?.[name]?.value ?? parameter.example
    if (parameter.in === 'path') {
      place = place.replace(`{${parameter.name}}`, encodeURIComponent(path[parameter.name] ?? `${value}`))
    } else if (value !== undefined && parameter.in === 'query') query.set(parameter.name, `${value}`)
    else if (value !== undefined) headers[parameter.name] = `${value}`
  }
  const given = Object.entries(operation.requestBody?.content ?? {}).find(([, { examples = {} }]) => name in examples)
  const body = given?.[1].examples?.[name]?.value
  return {
    path: query.size > 0 ? `${place}?${query}` : place,
    method: operation.method,
    headers: { ...headers, ...(given && { 'content-type': given[0] }) },
    ...(given && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
}

/** The document lets answers grow; what it does not name must not be there today. */
function closed<T>(schema: T): T {
  if (typeof schema !== 'object' || schema === null) return schema
  if (Array.isArray(schema)) return schema.map(closed) as T
  const copy = Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, closed(each)]))
  const isOpen = 'properties' in copy && !('$ref' in copy) && !('additionalProperties' in copy)
  return (isOpen && copy.type === 'object' ? { ...copy, additionalProperties: false } : copy) as T
}

/** References of the document, out of it. */
function absolute(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/')) as object
}

/** Sends what is no WebSocket; of a stream, what came until it has said enough. */
export async function send(base: string, { path, method, headers, body }: Sent): Promise<Came> {
  const leaving = new AbortController()
  const init = { method, headers: { ...headers }, ...(body !== undefined && { body }), signal: leaving.signal }
  const response = await fetch(base + path, init)
  const type = response.headers.get('content-type') ?? ''
  const said = type === 'text/event-stream' ? await beginning(response) : await response.text()
  leaving.abort()
  return { status: response.status, headers: response.headers, body: /json/.test(type) ? JSON.parse(said) : said }
}

async function beginning({ body }: Response): Promise<string> {
  let text = ''
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    if (text.includes('data: ') && text.endsWith('\n\n')) return text
  }
  throw new Error(`the stream ended after ${text}`)
}

/** In the name of the backend. */
export const locked = (sent: Sent): Sent => ({ ...sent, headers: { ...bearer(API_KEY), ...sent.headers } })
