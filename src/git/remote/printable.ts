/** Foreign text made safe to show: no control or direction-changing characters, credentials or great length. */
export function printable(text: string, maxLength = 300): string {
  return (
    text
      .trim()
      // Servers and git like to repeat URLs; what stands before the "@" is nobody's business.
      .replace(/\/\/[^/\s@]*@/g, '//')
      // oxlint-disable-next-line no-control-regex -- these are what must go
      .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?')
      .slice(0, maxLength)
  )
}
