import { Command } from 'commander'
import type { Explanation } from '../../engine/contract.ts'
import type { Operation } from '../../git/operation.ts'
import { stepText } from '../../workspace/step-text.ts'
import { costText, needsText, table } from '../format.ts'
import { addFlags, givenValues, operationFields } from '../operation-flags.ts'
import { printJson, printPlain, withEngine, type Session } from '../session.ts'
import { repoOf } from '../target.ts'
import { exampleOf } from './operation.ts'

/** `explain <operation> <repo>`: the plan and its expected cost, without doing it. */
export function explainCommand(operations: readonly Operation[], session: Session): Command {
  const explain = new Command('explain')
    .description('Show what an operation needs, what is there, the steps and their cost; runs nothing in a sandbox.')
    .usage('<operation> <repo> [flags]')
    .addHelpText('after', '\nExample:\n  forkyard explain log . --limit=20')
  for (const operation of operations) explain.addCommand(explanationCommand(operation, session), { hidden: true })
  return explain
}

function explanationCommand(operation: Operation, session: Session): Command {
  const fields = operationFields(operation)
  const command = addFlags(new Command(operation.name), fields)
  return command
    .description(`Explain: ${operation.summary}`)
    .argument('<repo>', 'https://…, file://… or a path')
    .option('--json', 'Print {"value": …, "receipt": null} on one line.')
    .addHelpText('after', `\nExample:\n  ${exampleOf(operation).replace('forkyard', 'forkyard explain')}`)
    .action(async (target: string, { json: isJson = false }: { json?: boolean }) => {
      const input = { repo: repoOf(target), ...givenValues(command, fields) }
      const value = await withEngine(session, { isJson }, (engine, options) =>
        engine.explain(operation.name, input, options),
      )
      if (isJson) await printJson(session, { value, receipt: null })
      else await printPlain(session, explanationText(value))
    })
}

function explanationText({ needs, has, steps, cost, kept }: Explanation): string {
  const numbered = steps.map((step, index) => [index === 0 ? 'steps' : '', `${index + 1}. ${stepText(step)}`])
  return table([
    ['needs', needsText(needs)],
    ['has', has === null ? 'nothing yet' : needsText(has)],
    ...(numbered.length === 0 ? [['steps', 'none']] : numbered),
    ['cost', costText(cost)],
    ...(kept === null ? [] : [['kept', kept.why]]),
  ])
}
