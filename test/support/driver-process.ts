import { hasCode } from '../../src/core/errors.ts'
import { commandOf, openDriver, run, specOf } from './local-sandboxes.ts'

/**
 * A service of its own for tests: `driver-process.ts hold <state directory>` has sandboxes with running programs and
 * waits to be killed; `steps` makes, uses, freezes and drops for ever, a line for each step; `fork` forks a live sandbox
 * for ever; `create` tries once.
 */
const [mode, stateDir = ''] = process.argv.slice(2)
const signal = new AbortController().signal
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function hold(): Promise<void> {
  const driver = await openDriver(stateDir)
  for (const upper of ['memory', 'disk'] as const) {
    const sandbox = await driver.create(specOf({ upper }), { signal })
    const daemon = `perl -e 'use POSIX; fork and exit; POSIX::setsid(); fork and exit; close STDOUT; close STDERR; %ENV = (); exec "sleep", "1000"'`
    const running = sandbox.exec(
      commandOf(['sh', '-c', `${daemon}; mkdir a; chmod 0 a; sleep 999 & echo up; exec sleep 998`]),
    )
    await running.stdout[Symbol.asyncIterator]().next()
    say(sandbox.id)
  }
  say('ready')
  setInterval(() => {}, 1_000_000)
}

async function steps(): Promise<void> {
  const driver = await openDriver(stateDir)
  for (let round = 0; ; round += 1) {
    say('opened')
    const builder = await driver.create(specOf(), { signal })
    say('created')
    const writing = run(builder, ['sh', '-c', 'head -c 100000 /dev/urandom >file'])
    say('writing')
    await writing
    const image = await driver.freeze(builder, `img_${process.pid}_${round}`)
    say('frozen')
    const fork = await driver.create(specOf({ image: image.id, upper: 'memory' }), { signal })
    say('forked')
    await driver.drop(image.id)
    say('dropped')
    await fork.destroy()
    await driver.synced()
  }
}

async function fork(): Promise<void> {
  const driver = await openDriver(stateDir)
  const sandbox = await driver.create(specOf({ upper: 'memory' }), { signal })
  await run(sandbox, ['sh', '-c', 'for i in $(seq 5000); do echo $i >$i; done'])
  const running = sandbox.exec(commandOf(['sh', '-c', 'sleep 1000 & echo up; while :; do :; done']))
  await running.stdout[Symbol.asyncIterator]().next()
  while (true) {
    say('forking')
    const forks = await driver.fork(sandbox, 2, { signal, metadata: () => ({}) })
    await Promise.all(forks.map((one) => one.destroy()))
  }
}

async function create(): Promise<void> {
  const driver = await openDriver(stateDir)
  try {
    await driver.create(specOf(), { signal })
  } catch (error) {
    if (!hasCode(error, 'host_unable', 'sandbox_failed')) throw error
    say(`${error.code}: ${error.message}`)
  }
  await driver.close()
}

const modes: Readonly<Record<string, () => Promise<void>>> = { hold, steps, fork, create }
await modes[mode ?? '']?.()
