import parse, { type Family } from 'parse-prometheus-text-format'
import { call } from '../conformance/clients/http.ts'

/** What a gateway tells Prometheus. */
export class Scrape {
  readonly families: readonly Family[]

  private constructor(text: string) {
    this.families = parse(text)
  }

  static async of(base: string, headers: Record<string, string> = {}): Promise<Scrape> {
    const { http, text } = await call(`${base}/metrics`, { headers })
    if (http !== 200) throw new Error(`the scrape was answered ${http} ${text}`)
    return new Scrape(text)
  }

  /** The value, or a histogram's count, under those labels; absent: 0. */
  value(name: string, labels: Record<string, string> = {}): number {
    const family = this.families.find((each) => each.name === name)
    if (family === undefined) throw new Error(`there is no ${name}`)
    const found = family.metrics.find((each) =>
      Object.entries(labels).every(([label, value]) => each.labels?.[label] === value),
    )
    return Number(found?.value ?? found?.count ?? 0)
  }
}
