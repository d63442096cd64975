import { readFileSync } from 'node:fs'
import { client } from '../settings/client.ts'
import { Unfit } from '../settings/kinds.ts'
import { EXIT, Fault } from './exit.ts'

/** Options of every command that speaks to a gateway. */
export interface WhereOptions {
  readonly url?: string
  readonly token?: string
  readonly tokenFile?: string
}

/** Which gateway, and what is shown to it. */
export interface Where {
  /** Without a slash at its end. */
  readonly url: string
  /** Read again each time from a file, so that it may be renewed there. @throws Fault */
  token(): string | undefined
  readonly isRenewable: boolean
}

/** Options first, then the environment. @throws Fault */
export function where(options: WhereOptions, env: NodeJS.ProcessEnv = process.env): Where {
  const { tokenFile } = options
  const given = options.token ?? (tokenFile === undefined ? env[client.token.name] || undefined : undefined)
  const token = tokenFile === undefined ? () => given : () => readToken(tokenFile)
  token()
  return { url: urlOf(options.url, env).replace(/\/+$/, ''), token, isRenewable: tokenFile !== undefined }
}

function urlOf(option: string | undefined, env: NodeJS.ProcessEnv): string {
  const { name, kind, default: otherwise } = client.url
  try {
    return kind.read(option ?? (env[name] || otherwise))
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    if (option !== undefined) throw new Fault(EXIT.usage, `--url must be ${kind.says}`)
    throw new Fault(EXIT.config, `${name} must be ${kind.says}`)
  }
}

function readToken(file: string): string {
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new Fault(EXIT.usage, `--token-file cannot be read: ${(error as Error).message}`)
  }
  if (token === '') throw new Fault(EXIT.usage, `--token-file ${file} is empty`)
  return token
}
