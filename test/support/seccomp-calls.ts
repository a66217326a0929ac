import { argumentRules, refusedCalls } from '../../src/sandbox/local/seccomp-table.ts'
import type { Refusal, SeccompArch, SyscallNumbers } from '../../src/sandbox/local/seccomp-table.ts'

/** A number, or text that is passed by its address. */
type Argument = number | string

export interface ProbedCall {
  readonly label: string
  readonly call: string
  readonly arguments: readonly Argument[]
}

export interface ForbiddenCall extends ProbedCall {
  readonly refusal: Refusal
  /** Without the filter the errno may be the same: the kernel asks for privileges first, or is too old for the call. */
  readonly kernelMayAgree: boolean
}

const badAddress = 1
const nobody = 0x3fffff
const high = 2 ** 32

/** Arguments for each call that reach a refusal of another kind, or succeed, where no filter stands before the kernel. */
const tellingArguments: Readonly<Record<string, readonly Argument[]>> = {
  mount: [badAddress, badAddress, badAddress],
  umount2: ['/', 0x1000],
  chroot: [badAddress],
  open_tree: [-1, badAddress, 0x7000_0000],
  unshare: [0x1],
  setns: [-1, 0],
  ptrace: [16, nobody],
  process_vm_readv: [nobody, 0, 0, 0, 0, 1],
  process_vm_writev: [nobody, 0, 0, 0, 0, 1],
  process_madvise: [-1, 0, 0, 0, 1],
  pidfd_getfd: [-1, -1, 1],
  kcmp: [nobody, nobody],
  keyctl: [9999],
  add_key: [badAddress, badAddress],
  request_key: [badAddress, badAddress],
  perf_event_open: [badAddress, 0, 0, 0, 0x7000_0000],
  userfaultfd: [1],
  fanotify_init: [0x200],
  name_to_handle_at: [-1, badAddress, badAddress, badAddress, 0x7000_0000],
  swapon: [badAddress, 0x7000_0000],
  quotactl: [0xff],
  quotactl_fd: [-1],
  move_pages: [nobody, 0, 0, 0, 0, 0x7000_0000],
  migrate_pages: [nobody, 0, 0, 0],
  mbind: [0, 0, 0, 0, 0, 0x7000_0000],
  set_mempolicy: [0xff],
  personality: [0xffffffff],
  uselib: [badAddress],
  modify_ldt: [99],
  iopl: [4],
  ioperm: [0, 0, 0],
}

const noTellingArguments = [
  ...['pivot_root', 'bpf', 'open_by_handle_at', 'init_module', 'finit_module', 'delete_module', 'kexec_load'],
  ...['kexec_file_load', 'reboot', 'swapoff', 'acct', 'syslog', 'vhangup', 'open_tree_attr'],
]

const namespaceFlags = {
  NEWNS: 0x00020000,
  NEWCGROUP: 0x02000000,
  NEWUTS: 0x04000000,
  NEWIPC: 0x08000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
}
const childSignal = 17

const families = { UNSPEC: 0, AX25: 3, NETLINK: 16, PACKET: 17, RDS: 21, TIPC: 30, ALG: 38, VSOCK: 40, XDP: 44 }

/** Every call that a command in a sandbox must fail at, with arguments that tell the filter from the kernel. */
export const forbiddenCalls: readonly ForbiddenCall[] = [
  ...refusedCalls.flatMap(({ refusal, calls }) =>
    Object.keys(calls).map((call) => ({
      label: call,
      call,
      arguments: tellingArguments[call] ?? [-1, -1, -1],
      refusal,
      kernelMayAgree: noTellingArguments.includes(call),
    })),
  ),
  ...Object.entries(namespaceFlags).map(([name, flag]) =>
    forbidden('clone', `CLONE_${name}`, [flag + childSignal], 'EPERM', name !== 'NEWUSER'),
  ),
  forbidden('clone', 'CLONE_NEWUSER, high word set', [high + 0x10000000 + childSignal], 'EPERM'),
  forbidden('mknod', 'character device 0/0', ['/tmp/a', 0o020644, 0], 'EPERM'),
  forbidden('mknod', 'block device', ['/tmp/b', 0o060644, 0x700], 'EPERM', true),
  forbidden('mknod', 'socket', ['/tmp/c', 0o140644, 0], 'EPERM'),
  forbidden('mknodat', 'character device 0/0', [-100, '/tmp/d', 0o020644, 0], 'EPERM'),
  forbidden('mknodat', 'character device 0/0, high word set', [-100, '/tmp/e', high + 0o020644, 0], 'EPERM'),
  forbidden('mknodat', 'block device', [-100, '/tmp/f', 0o060644, 0x700], 'EPERM', true),
  forbidden('ioctl', 'TIOCSTI', [0, 0x5412, 'x'], 'EPERM'),
  forbidden('ioctl', 'TIOCSTI, high word set', [0, high + 0x5412, 'x'], 'EPERM'),
  forbidden('ioctl', 'TIOCLINUX', [0, 0x541c, 'x'], 'EPERM'),
  // An unknown family is what the kernel answers too, where it lacks one.
  ...Object.entries(families).map(([name, family]) =>
    forbidden('socket', name, [family, 3, 0], 'EAFNOSUPPORT', name !== 'NETLINK'),
  ),
  forbidden('socket', 'NETLINK, high word set', [high + 16, 3, 0], 'EAFNOSUPPORT'),
  forbidden('socketpair', 'NETLINK', [16, 3, 0, '        '], 'EAFNOSUPPORT'),
]

/** The same calls as an ordinary program makes them. */
export const harmlessCalls: readonly ProbedCall[] = [
  { label: 'clone child', call: 'clone', arguments: [childSignal] },
  { label: 'mknod file', call: 'mknod', arguments: ['/tmp/g', 0o100644, 0] },
  { label: 'mknod no type', call: 'mknod', arguments: ['/tmp/h', 0o644, 0] },
  { label: 'mknod FIFO', call: 'mknod', arguments: ['/tmp/i', 0o010644, 0] },
  { label: 'mknodat file', call: 'mknodat', arguments: [-100, '/tmp/j', 0o100644, 0] },
  { label: 'mknodat FIFO', call: 'mknodat', arguments: [-100, '/tmp/k', 0o010644, 0] },
  { label: 'ioctl FIONREAD', call: 'ioctl', arguments: [0, 0x541b, '        '] },
  { label: 'socket UNIX', call: 'socket', arguments: [1, 1, 0] },
  { label: 'socket INET', call: 'socket', arguments: [2, 1, 0] },
  { label: 'socket INET6', call: 'socket', arguments: [10, 1, 0] },
  { label: 'socketpair UNIX', call: 'socketpair', arguments: [1, 1, 0, '        '] },
]

/** The input of the probe: only calls that exist on this processor. */
export function probeLines(calls: readonly ProbedCall[], arch: SeccompArch): string {
  return calls
    .flatMap(({ label, call, arguments: values }) => {
      const number = numberOf(call)[arch]
      if (number === null) return []
      return [[label, number, ...values.map((value) => (typeof value === 'string' ? `=${value}` : value))].join('\t')]
    })
    .map((line) => `${line}\n`)
    .join('')
}

function forbidden(
  call: string,
  what: string,
  values: readonly Argument[],
  refusal: Refusal,
  kernelMayAgree = false,
): ForbiddenCall {
  return { label: `${call} ${what}`, call, arguments: values, refusal, kernelMayAgree }
}

function numberOf(call: string): SyscallNumbers {
  for (const { calls } of [...refusedCalls, ...argumentRules]) {
    const numbers = calls[call]
    if (numbers) return numbers
  }
  throw new Error(`Cannot probe ${call}: it is not in the table`)
}
