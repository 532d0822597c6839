// The same questions as `examples/answer.rs`, answered by flagd's evaluator for JavaScript.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const require = createRequire(process.argv[2] + '/')
const { FlagdCore } = require('@openfeature/flagd-core')
const silent = { error () {}, warn () {}, info () {}, debug () {} }

for await (const line of createInterface({ input: process.stdin })) {
  const { flags, key, context } = JSON.parse(line)
  let answer
  try {
    const core = new FlagdCore(undefined, silent)
    core.setConfigurations(JSON.stringify(flags))
    const { reason, variant, errorCode } = core.resolveNumberEvaluation(key, -1, context, silent)
    answer = { reason, variant: variant ?? '', code: errorCode ?? '' }
  } catch {
    answer = { reason: 'ERROR', variant: '', code: 'REFUSED' }
  }
  console.log(JSON.stringify(answer))
}
