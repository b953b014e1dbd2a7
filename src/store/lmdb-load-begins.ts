/** Imported before lmdb: modules are evaluated in the order in which they are imported. */

import { nativeSectionBegins } from '../actor/threads/native-sections.js'

nativeSectionBegins()
