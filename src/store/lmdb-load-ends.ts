/** Imported after lmdb. */

import { nativeLoadEnds } from '../actor/threads/native-loads.js'

nativeLoadEnds()
