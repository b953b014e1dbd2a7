/** Imported before lmdb: modules are evaluated in the order in which they are imported. */

import { nativeLoadBegins } from '../actor/threads/native-loads.js'

nativeLoadBegins()
