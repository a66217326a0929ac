/** Whether git would accept `name` as the full name of a ref: `HEAD` or below `refs/`. */
export function isRefName(name: string): boolean {
  if (name === 'HEAD') return true
  if (!name.startsWith('refs/') || name.endsWith('.') || name.includes('..') || name.includes('@{')) return false
  // oxlint-disable-next-line no-control-regex -- git forbids them
  if (/[\u0000-\u0020\u007f~^:?*[\\\ufffd]/.test(name)) return false
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}

/** Whether `text` is a full commit id: 40 or 64 hex digits. */
export function isFullId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)
}
