import type { Template } from '../sandbox/contract.ts'
import { templateGitconfig } from './template.ts'

/** The template every local sandbox is made of; `hook` is the driver's fsmonitor hook, `tools` the versions images depend on. */
export function gitTemplate({ hook, tools }: { hook: string; tools: string }): Template {
  const text = (content: string): { content: string; mode: number } => ({ content, mode: 0o644 })
  return {
    tools,
    etc: {
      passwd: text(
        'forkyard:x:1000:1000:forkyard:/home:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
      ),
      group: text('forkyard:x:1000:\nnogroup:x:65534:\n'),
      hosts: text('127.0.0.1 localhost forkyard\n::1 localhost\n'),
      'nsswitch.conf': text('passwd: files\ngroup: files\nhosts: files\n'),
      gitconfig: text(templateGitconfig),
      'forkyard/fsmonitor': { content: hook, mode: 0o755 },
    },
  }
}
