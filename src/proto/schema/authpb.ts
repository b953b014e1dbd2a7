/** authpb: users, roles and permissions, as stored and inside requests. */

import { enumeration, field, message, protoPackage } from './notation.js'

export const authpb = protoPackage('authpb', 'proto3',
  message('UserAddOptions', field('no_password', 1, 'bool')),
  message('User',
    field('name', 1, 'bytes'),
    field('password', 2, 'bytes'),
    field('roles', 3, 'string', 'repeated'),
    field('options', 4, 'UserAddOptions')),
  message('Permission',
    field('permType', 1, 'Permission.Type'),
    field('key', 2, 'bytes'),
    field('range_end', 3, 'bytes')),
  enumeration('Permission.Type', { READ: 0, WRITE: 1, READWRITE: 2 }),
  message('Role', field('name', 1, 'bytes'), field('keyPermission', 2, 'Permission', 'repeated')),
)
