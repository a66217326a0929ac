import { composeEngine } from './compose.ts'
import { parseSettings } from './config.ts'
import type { z } from 'zod'
import type { settingsSchema } from './config.ts'
import type { Engine } from './engine/contract.ts'

export { settingsFromEnvironment, type Settings } from './config.ts'
export { AppError, catalog, toProblem, type ErrorCode, type Problem } from './core/errors.ts'
export { connect, type ConnectOptions } from './client/connect.ts'
export type { Exit, Running } from './core/exec.ts'
export type { Progress } from './core/progress.ts'
export type { Advice } from './engine/advisor.ts'
export type { CacheState, EvictedState, KeptState } from './engine/cache-state.ts'
export type { Caller } from './engine/caller.ts'
export type {
  Answer,
  AnswerRecord,
  AnswerRecords,
  CallerOptions,
  Engine,
  EngineState,
  Execution,
  Explanation,
  Extension,
  FilePart,
  FilePlace,
  FileRange,
  FileStream,
  ImageSummary,
  ProgramOptions,
  Receipt,
  RequestOptions,
  SharedState,
  Tier,
  WarmImage,
  Workspace,
  WorkspaceFiles,
  WorkspaceSummary,
} from './engine/contract.ts'
export type { ExactText } from './git/bytes.ts'
export type { Extent, Needs } from './git/operation.ts'
export type { Cost } from './workspace/cost.ts'
export type { FileEntry, FileKind } from './workspace/file-answer.ts'
export type { PoolFigures } from './workspace/pool.ts'
export type { Filter, Step } from './workspace/steps.ts'

/** An engine in this process. Reads no environment and prints nothing; what is left out of `settings` has its default. */
export async function createEngine(settings: z.input<typeof settingsSchema>): Promise<Engine> {
  return await composeEngine(parseSettings(settings))
}
