/** Time, chance, timers and shared memory each have one home; a call anywhere else is told where to go instead. */

import type { Node, SourceFile } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isIdentifier,
  isNewExpression,
  isPropertyAccessExpression,
} from 'typescript/unstable/ast/is'
import { lineOf, walk, type Problem, type Project } from './project.js'

interface Ban {
  /** Matches `name` or `object.name` of what is called or constructed. */
  readonly call: RegExp
  /** Where the ban holds. */
  readonly within: RegExp
  /** Where it does not. */
  readonly except: RegExp
  readonly instead: string
  /** Only calls without an argument, as `new Date()`. */
  readonly bare?: true
}

const NOWHERE = /^$/

const BANS: readonly Ban[] = [
  {
    call: /^(?:Date\.now|performance\.now|process\.hrtime|process\.hrtime\.bigint)$/,
    within: /^src\//,
    except: /^src\/base\/system-clock\.ts$/,
    instead: 'take the time as a parameter, or a Clock of base/clock.ts',
  },
  {
    call: /^Date$/,
    within: /^src\//,
    except: /^src\/base\/system-clock\.ts$/,
    instead: 'take the time as a parameter, or a Clock of base/clock.ts',
    bare: true,
  },
  {
    call: /^(?:Math\.random|crypto\.getRandomValues|crypto\.randomUUID)$/,
    within: /^(?:src|test)\//,
    except: NOWHERE,
    instead: 'take a Prng of base/prng.ts, so that a failure can be run again from its seed',
  },
  {
    call: /^(?:setTimeout|setInterval|setImmediate|queueMicrotask|process\.nextTick)$/,
    within: /^src\//,
    except: /^src\/(?:actor\/|main\.ts$|main\/|ctl\/|sim\/world\/promises\.ts$)/,
    instead: 'say so in wakeAtMs, or ask the context for a turn; only runners own timers',
  },
  {
    call: /^Atomics\.\w+$/,
    within: /^(?:src|workers)\//,
    except: /^src\/(?:ring|actor|store\/recent)\/|^src\/messages\/(?:shared-words|sync-times)\.ts$/,
    instead: 'send a message, or use a word of messages/shared-words.ts',
  },
  {
    call: /^process\.(?:exit|abort|kill)$/,
    within: /^(?:src|workers)\//,
    except: /^src\/(?:main\.ts$|main\/|ctl\/)/,
    instead: 'assert when an invariant is broken, return a typed result otherwise; main decides how the process ends',
  },
  {
    call: /^(?:structuredClone|eval)$/,
    within: /^(?:src|workers)\//,
    except: NOWHERE,
    instead: 'copy the fields that are needed',
  },
  {
    call: /^Function$/,
    within: /^(?:src|workers)\//,
    except: /^src\/messages\/message-codec\.ts$/,
    instead: 'write the function; only the message codec compiles text, and only from its own declarations',
  },
  {
    call: /^(?:Promise\.(?:withResolvers|try)|(?:Object|Map)\.groupBy|Array\.fromAsync)$/,
    within: /./,
    except: NOWHERE,
    instead: 'do without it: the compiler knows it for the sake of Atomics.waitAsync, but Node 20 does not have it',
  },
  {
    call: /^(?:test|it|describe|t)\.(?:skip|only|todo)$/,
    within: /^test\//,
    except: NOWHERE,
    instead: 'make the test pass or remove it',
  },
  {
    call: /^(?:setTimeout|setInterval)$/,
    within: /^test\/.*\.test\.ts$/,
    except: NOWHERE,
    instead: 'wait for the event itself; test/support bounds such waits',
  },
]

export function checkBannedCalls(project: Project): Problem[] {
  const problems: Problem[] = []
  for (const { path, tree } of project.sources) {
    const bans = BANS.filter(({ within, except }) => within.test(path) && !except.test(path))
    if (bans.length === 0) continue
    walk(tree, (node) => {
      const called = calledName(tree, node)
      if (called === null) return
      const ban = bans.find(({ call, bare }) => call.test(called.name) && (bare !== true || called.bare))
      if (ban === undefined) return
      const line = lineOf(tree, node)
      problems.push({ rule: 'banned', path, line, message: `calls ${called.name}: ${ban.instead}` })
    })
  }
  return problems
}

/** `f(…)`, `a.b(…)` and `new C(…)`; null for anything else. `globalThis.` is looked through. */
function calledName(tree: SourceFile, node: Node): { name: string; bare: boolean } | null {
  if (!isCallExpression(node) && !isNewExpression(node)) return null
  const { expression } = node
  if (!isIdentifier(expression) && !isPropertyAccessExpression(expression)) return null
  const name = expression.getText(tree).replace(/^globalThis\./, '')
  return { name, bare: (node.arguments?.length ?? 0) === 0 }
}
