/**
 * Node's http client without its ES module, whose exports include a getter that loads all of undici: 30 ms of the
 * start-up for names nobody asked for.
 */
export const { Agent: PlainAgent, request: requestPlain } = process.getBuiltinModule('node:http')
