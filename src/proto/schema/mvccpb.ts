/** mvccpb: key-value pairs and events, as stored and as sent. */

import { enumeration, field, message, protoPackage } from './notation.js'

export const mvccpb = protoPackage('mvccpb', 'proto3',
  message('KeyValue',
    field('key', 1, 'bytes'),
    field('create_revision', 2, 'int64'),
    field('mod_revision', 3, 'int64'),
    field('version', 4, 'int64'),
    field('value', 5, 'bytes'),
    field('lease', 6, 'int64', 'id')),
  message('Event',
    field('type', 1, 'Event.EventType'),
    field('kv', 2, 'KeyValue'),
    field('prev_kv', 3, 'KeyValue')),
  enumeration('Event.EventType', { PUT: 0, DELETE: 1 }),
)
