import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { Service } from '../../src/cli/doors.ts'
import { composeService } from '../../src/compose.ts'
import { parseSettings } from '../../src/config.ts'
import { makeGround } from '../support/engine-repository.ts'

const ground = makeGround((source) => source.commit({ files: { 'README.md': '# Ground\n' } }))
const shipped = fileURLToPath(new URL('../../ops/prometheus.yml', import.meta.url))
let service: Service
let url: string

/** Resolves when both jobs have scraped: Prometheus takes five seconds before it looks at its first target. */
const scraped = Promise.withResolvers<void>()
let scrapes = 0

before(async () => {
  const settings = parseSettings({ ...ground.home.settings, log: 'debug' })
  const logTo = {
    write(line: string): boolean {
      if (line.includes('"/metrics"')) scrapes += 1
      // The first is that of the test before.
      if (scrapes === 3) scraped.resolve()
      return true
    },
  }
  service = await composeService(settings, {}, { version: '0.0.0', logTo })
  url = await service.listen({ host: '127.0.0.1', port: 0 })
})
after(() => service.close())

test('promtool accepts the configuration that is shipped, and the metrics of the service', async () => {
  const { stdout } = await promisify(execFile)('promtool', ['check', 'config', shipped])
  assert.match(stdout, /SUCCESS/)
  const checking = promisify(execFile)('promtool', ['check', 'metrics'])
  checking.child.stdin?.end(await ours())
  await checking
})

test('a Prometheus with that configuration finds each series once, in its job', async (t) => {
  await fetch(`${url}/v1/operations/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ repo: ground.repo }),
  })
  const { query, metrics } = await startPrometheus(t)
  await scraped.promise
  assert.deepEqual(await query('forkyard_operations_total{operation="log"}'), ['forkyard'])
  assert.deepEqual(await query('forkyard_images'), ['forkyard-background'])
  assert.deepEqual(await query('process_resident_memory_bytes'), ['forkyard-background'])
  assert.deepEqual((await query('up == 1')).toSorted(), ['forkyard', 'forkyard-background'])
  assert.match(await metrics(), /^prometheus_target_scrapes_sample_duplicate_timestamp_total 0$/m)
})

/** The exposition without the metrics of the library, whose names are its own. */
async function ours(): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return `${text
    .split('\n')
    .filter((line) => line.includes('forkyard_'))
    .join('\n')}\n`
}

/** Starts it with the shipped configuration, pointed at the service and in more of a hurry. */
async function startPrometheus(t: { after(fn: () => Promise<unknown>): void }) {
  const { dir } = ground.home
  const text = readFileSync(shipped, 'utf8')
  const hasty = text
    .replace(/scrape_(interval|timeout): \d+s/g, 'scrape_$1: 1s')
    .replaceAll('127.0.0.1:7070', new URL(url).host)
  writeFileSync(`${dir}/prometheus.yml`, hasty)
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(
    'prometheus',
    [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/tsdb`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = once(child, 'exit')
  t.after(() => {
    child.kill('SIGKILL')
    return ended
  })
  const get = async (path: string): Promise<Response> => {
    for (;;) {
      if (child.exitCode !== null) assert.fail(`prometheus ended with ${child.exitCode}`)
      const response = await fetch(`http://${address}${path}`).catch(() => null)
      if (response?.ok === true) return response
    }
  }
  return {
    /** The jobs of the series that a query finds, once it finds any. */
    query: async (expression: string): Promise<readonly string[]> => {
      for (;;) {
        const response = await get(`/api/v1/query?query=${encodeURIComponent(expression)}`)
        const { data } = (await response.json()) as { data: { result: readonly { metric: { job: string } }[] } }
        if (data.result.length > 0) return data.result.map(({ metric }) => metric.job)
      }
    },
    metrics: async () => (await get('/metrics')).text(),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
