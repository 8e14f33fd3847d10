// A CommonJS host loads the package with require().
require('reflect-metadata');
const assert = require('node:assert/strict');
const { TokenModule, TokenService, tokenEntities } = require('@tokenward/nestjs');

assert.equal(typeof TokenModule.forRoot, 'function');
assert.equal(typeof TokenService, 'function');
assert(tokenEntities.length > 0);
console.log('is loaded by require()');
