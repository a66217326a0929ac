import { keeping, maxKept } from './keeping.ts'

/** Paths as the tree they make: what lies above or below them is found in time that grows with a path's length alone. */
export interface PathTree {
  add(path: string): void
  /** Whether this path was added, or one above it. */
  covers(path: string): boolean
  /** Whether a path below this one was added. */
  leadsTo(path: string): boolean
}

interface Node {
  below: Map<string, Node> | null
  isAdded: boolean
}

/** An empty tree; paths are bytes as single characters, with slashes between directories. */
export function pathTree(): PathTree {
  const root: Node = { below: null, isAdded: false }
  // Of a hostile path every second byte may be a directory.
  const keep = keeping('files and directories', 2 * maxKept)

  const child = (node: Node, part: string): Node => {
    node.below ??= new Map()
    const known = node.below.get(part)
    if (known !== undefined) return known
    keep(part.length)
    const made: Node = { below: null, isAdded: false }
    node.below.set(part, made)
    return made
  }

  return {
    add(path) {
      let node = root
      for (const part of path.split('/')) node = child(node, part)
      node.isAdded = true
    },
    covers(path) {
      let node: Node | undefined = root
      for (const part of path.split('/')) {
        node = node.below?.get(part)
        if (node === undefined) return false
        if (node.isAdded) return true
      }
      return false
    },
    leadsTo(path) {
      let node: Node | undefined = root
      for (const part of path.split('/')) {
        node = node.below?.get(part)
        if (node === undefined) return false
      }
      return node.below !== null
    },
  }
}
