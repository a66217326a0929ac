/** Whether a name matches a pattern of `*` (anything, "/" too) and `?` (one character), in linear time per star. */
export function matchesGlob(pattern: string, name: string): boolean {
  let [at, star, resume] = [0, -1, 0]
  let index = 0
  while (index < name.length) {
    if (pattern[at] === '*') {
      star = at++
      resume = index
    } else if (pattern[at] === '?' || pattern[at] === name[index]) {
      at++
      index++
    } else if (star >= 0) {
      // Let the last star swallow one more character.
      at = star + 1
      index = ++resume
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
