import type { Filter, Step } from './steps.ts'

/** A step of a plan in words, for receipts and people. */
export function stepText(step: Step): string {
  if (step.kind === 'fork') return `fork image ${step.image}`
  if (step.kind === 'checkout')
    return step.cone.length === 0 ? 'check out all files' : `check out ${step.cone.join(', ')}`
  if (step.kind === 'backfill')
    return `bring missing ${step.what} of ${extentText(step.extent, step.cone)} in one batch`
  return `fetch ${step.depth === 'full' ? 'the whole history' : generations(step.depth)}${without[step.filter]}`
}

const without: Readonly<Record<Filter, string>> = {
  none: '',
  'blob:none': ' without file contents',
  'tree:0': ' without trees and file contents',
}

function generations(depth: number): string {
  return depth === 1 ? 'one commit' : `${depth} generations`
}

function extentText(extent: 'paths' | 'cone' | 'tip' | 'all', cone: readonly string[]): string {
  if (extent === 'cone') return cone.join(', ')
  return { paths: 'the asked paths', tip: 'the tip', all: 'the whole history' }[extent]
}
