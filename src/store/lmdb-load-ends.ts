/** Imported after lmdb. */

import { nativeSectionEnds } from '../actor/threads/native-sections.js'

nativeSectionEnds()
