/** A processor the filter can be made for. */
export type SeccompArch = 'x64' | 'arm64'

/** The number of a system call on each processor; `null` where the call does not exist. */
export type SyscallNumbers = Readonly<Record<SeccompArch, number | null>>

/** What a refused call returns: the kernel's number of the error, equal on both processors. */
export const refusals = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const
export type Refusal = keyof typeof refusals

/** Calls that are refused whatever their arguments are. */
export interface RefusedCalls {
  readonly why: string
  readonly refusal: Refusal
  readonly calls: Readonly<Record<string, SyscallNumbers>>
}

/** Calls whose answer depends on one argument; its low 32 bits, masked, are compared with the values. */
export interface ArgumentRule {
  readonly why: string
  readonly refusal: Refusal
  /** `only` allows nothing but the values, `never` refuses nothing but the values. */
  readonly test: 'only' | 'never'
  readonly mask: number
  readonly values: Readonly<Record<string, number>>
  readonly calls: Readonly<Record<string, SyscallNumbers & { readonly argument: number }>>
}

const both = (number: number): SyscallNumbers => ({ x64: number, arm64: number })

/** Everything that a command in a local sandbox may not ask of the kernel, with the reason. */
export const refusedCalls: readonly RefusedCalls[] = [
  {
    why: 'The mounts of a sandbox are made before a command starts and never change.',
    refusal: 'EPERM',
    calls: {
      mount: { x64: 165, arm64: 40 },
      umount2: { x64: 166, arm64: 39 },
      pivot_root: { x64: 155, arm64: 41 },
      chroot: { x64: 161, arm64: 51 },
    },
  },
  {
    why: 'The newer mount calls do the same; a kernel without them is something programs know how to live with.',
    refusal: 'ENOSYS',
    calls: {
      open_tree: both(428),
      move_mount: both(429),
      fsopen: both(430),
      fsconfig: both(431),
      fsmount: both(432),
      fspick: both(433),
      mount_setattr: both(442),
      open_tree_attr: both(467),
    },
  },
  {
    why: 'A new user namespace gives back all capabilities, and with them most of the attack surface of the kernel.',
    refusal: 'EPERM',
    calls: { unshare: { x64: 272, arm64: 97 }, setns: { x64: 308, arm64: 268 } },
  },
  {
    why: 'Its flags lie in memory that a filter cannot read; programs fall back to clone, whose flags are checked.',
    refusal: 'ENOSYS',
    calls: { clone3: both(435) },
  },
  {
    why: 'Requests in its ring are carried out without passing this filter.',
    refusal: 'ENOSYS',
    calls: { io_uring_setup: both(425), io_uring_enter: both(426), io_uring_register: both(427) },
  },
  {
    why: 'No process looks into, steers or takes descriptors from another one.',
    refusal: 'EPERM',
    calls: {
      ptrace: { x64: 101, arm64: 117 },
      process_vm_readv: { x64: 310, arm64: 270 },
      process_vm_writev: { x64: 311, arm64: 271 },
      process_madvise: both(440),
      pidfd_getfd: both(438),
      kcmp: { x64: 312, arm64: 272 },
    },
  },
  {
    why: 'Key rings are not separated by namespaces.',
    refusal: 'EPERM',
    calls: {
      keyctl: { x64: 250, arm64: 219 },
      add_key: { x64: 248, arm64: 217 },
      request_key: { x64: 249, arm64: 218 },
    },
  },
  {
    why: 'Rich kernel interfaces that git, compilers and tests do without, and that break-outs begin with.',
    refusal: 'EPERM',
    calls: {
      bpf: { x64: 321, arm64: 280 },
      perf_event_open: { x64: 298, arm64: 241 },
      userfaultfd: { x64: 323, arm64: 282 },
      fanotify_init: { x64: 300, arm64: 262 },
    },
  },
  {
    why: 'A file handle names a file of the whole file system, not of what is mounted here.',
    refusal: 'EPERM',
    calls: { open_by_handle_at: { x64: 304, arm64: 265 }, name_to_handle_at: { x64: 303, arm64: 264 } },
  },
  {
    why: 'They change the machine, not the sandbox.',
    refusal: 'EPERM',
    calls: {
      init_module: { x64: 175, arm64: 105 },
      finit_module: { x64: 313, arm64: 273 },
      delete_module: { x64: 176, arm64: 106 },
      kexec_load: { x64: 246, arm64: 104 },
      kexec_file_load: { x64: 320, arm64: 294 },
      reboot: { x64: 169, arm64: 142 },
      swapon: { x64: 167, arm64: 224 },
      swapoff: { x64: 168, arm64: 225 },
      acct: { x64: 163, arm64: 89 },
      syslog: { x64: 103, arm64: 116 },
      quotactl: { x64: 179, arm64: 60 },
      quotactl_fd: both(443),
      vhangup: { x64: 153, arm64: 58 },
    },
  },
  {
    why: 'Where memory lies is the business of the machine, and the calls tell much about it.',
    refusal: 'EPERM',
    calls: {
      move_pages: { x64: 279, arm64: 239 },
      migrate_pages: { x64: 256, arm64: 238 },
      mbind: { x64: 237, arm64: 235 },
      set_mempolicy: { x64: 238, arm64: 237 },
      set_mempolicy_home_node: both(450),
    },
  },
  {
    why: 'Old ways of running code, kept by the kernel for programs of other systems and times.',
    refusal: 'EPERM',
    calls: {
      personality: { x64: 135, arm64: 92 },
      uselib: { x64: 134, arm64: null },
      modify_ldt: { x64: 154, arm64: null },
      iopl: { x64: 172, arm64: null },
      ioperm: { x64: 173, arm64: null },
    },
  },
]

/** The calls that are refused for some values of an argument. */
export const argumentRules: readonly ArgumentRule[] = [
  {
    why: 'Processes and threads are welcome, namespaces are not. The mask is every CLONE_NEW flag that clone takes.',
    refusal: 'EPERM',
    test: 'only',
    mask: 0x7e020000,
    values: { 'no CLONE_NEW flag': 0 },
    calls: { clone: { x64: 56, arm64: 220, argument: 0 } },
  },
  {
    why: 'Builds need FIFOs; a device node, or the 0/0 device that is a whiteout in an overlay, is needed by nobody.',
    refusal: 'EPERM',
    test: 'only',
    mask: 0o170000,
    values: { 'no type (a regular file)': 0, S_IFREG: 0o100000, S_IFIFO: 0o010000 },
    calls: { mknod: { x64: 133, arm64: null, argument: 1 }, mknodat: { x64: 259, arm64: 33, argument: 2 } },
  },
  {
    why: 'They type into the terminal that a sandbox was started from.',
    refusal: 'EPERM',
    test: 'never',
    mask: 0xffffffff,
    values: { TIOCSTI: 0x5412, TIOCLINUX: 0x541c },
    calls: { ioctl: { x64: 16, arm64: 29, argument: 1 } },
  },
  {
    why: 'Network namespaces do not hold back every family (vsock reaches the hypervisor), and most carry old code.',
    refusal: 'EAFNOSUPPORT',
    test: 'only',
    mask: 0xffffffff,
    values: { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10 },
    calls: { socket: { x64: 41, arm64: 198, argument: 0 }, socketpair: { x64: 53, arm64: 199, argument: 0 } },
  },
]
