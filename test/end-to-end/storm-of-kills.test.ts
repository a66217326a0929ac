import { test } from 'node:test'
import { makeHome } from '../support/engine-home.ts'
import { killStorm } from '../support/kill-storm.ts'

const rounds = 12
const home = makeHome()

// The long form is `npm run storm`.
test(`${rounds} rounds with one of several processes killed leave nothing behind and every answer right`, () =>
  killStorm(home, { rounds, seed: 20_240_501 }))
