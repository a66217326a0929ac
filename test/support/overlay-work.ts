import type { Sandbox } from '../../src/sandbox/contract.ts'
import { shell } from './local-sandboxes.ts'

/** Kind, mode, size or target and content of everything in the working copy. */
export function tree(sandbox: Sandbox): Promise<string> {
  return shell(
    sandbox,
    `find . -printf '%y %m %l %P\\n' | LC_ALL=C sort; find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum`,
  )
}

/** Work that overlays are known to get wrong: each step is done in a fork of the state before it. */
export const steps = [
  'mkdir -p a/b/c d; for i in 1 2 3; do echo $i >a/$i; echo $i >a/b/$i; echo $i >d/$i; done; ln -s a/1 link; echo x >x',
  'rm a/1 x; mv a/2 a/moved; chmod 755 a/3; echo more >>a/b/1',
  'rm -r d; mkdir d; echo new >d/4',
  'rm -r a/b; echo file >a/b; rm link; mkdir link; echo in >link/in',
  'rm a/b; mkdir a/b; echo again >a/b/1; touch x',
  'mkdir m; mv d/4 m/4; mv m n; rm -r link; ln -s nowhere link',
  'rm -rf a; mkdir -p a/b/c; echo deep >a/b/c/deep; chmod 700 a',
  'cp -r a copy; rm -r a; mv copy a; ln a/b/c/deep hard; echo both >>hard',
  'find . -mindepth 1 -delete',
  'echo last >last',
]

/** A perl program that sets attributes that mean something to overlays on `dir` and `dir/own`, as far as it is let. */
export const forgeAttributes = String.raw`
  for my $space ('user.overlay.', 'trusted.overlay.', 'user.overlay.overlay.') {
    for my $pair (['opaque', 'y'], ['redirect', '/other'], ['metacopy', ''], ['whiteout', 'y'], ['whiteouts', 'y']) {
      my ($name, $value) = ($space . $pair->[0], $pair->[1]);
      syscall(188, 'dir', $name, $value, length $value, 0);
      syscall(188, 'dir/own', $name, $value, length $value, 0);
    }
  }`
