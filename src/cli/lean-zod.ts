import { registerHooks } from 'node:module'

// Zod imports all of its 60 translations, a quarter of our start-up, to offer them under a name we never use.
registerHooks({
  load(url, context, next) {
    const isTranslations = url.endsWith('/zod/v4/locales/index.js')
    return isTranslations ? { format: 'module', source: '', shortCircuit: true } : next(url, context)
  },
})
