/** Puts the bug that RAFTRING_MUTANT names into this process before anything else is loaded. */

import { register } from 'node:module'
import { mutantNamed } from './mutants.js'

register('./mutant-loader.js', import.meta.url, { data: mutantNamed(process.env['RAFTRING_MUTANT'] ?? '') })
