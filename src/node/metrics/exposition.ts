import type { Metric as PromMetric, Registry } from 'prom-client'
import type { Look, Readings } from './readings.ts'

/**
 * What `/metrics` answers. prom-client comes with the first who asks: a gateway that nobody watches need not load it, nor
 * one that starts wait for it. What it tells of the process by itself begins then.
 */
export function exposition(readings: Readings, look: () => Look): () => Promise<string> {
  let loading: Promise<(now: Look) => Promise<string>> | undefined
  return async () => {
    loading ??= load(readings)
    return (await loading)(look())
  }
}

async function load(readings: Readings): Promise<(now: Look) => Promise<string>> {
  const [{ Registry, collectDefaultMetrics }, { METRICS }] = await Promise.all([
    import('prom-client'),
    import('./definitions.ts'),
  ])
  const registry: Registry = new Registry()
  collectDefaultMetrics({ register: registry })
  let now: Look
  for (const { name, type, says: help, read } of METRICS) {
    const get = async () => ({ name, help, type, values: read(readings, now), aggregator: 'sum' })
    // All that a registry wants of a metric is its name and this; its type names the four classes that it comes with.
    registry.registerMetric({ name, get } as unknown as PromMetric)
  }
  return (look) => {
    now = look
    return registry.metrics()
  }
}
