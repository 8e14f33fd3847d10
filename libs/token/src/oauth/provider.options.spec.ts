import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TokenConfigurationError } from '../common/errors.js';
import { randomBytes } from '../crypto/random.js';
import { resolveOptions } from '../token.options.validation.js';

function problemsOf(provider: object): string[] {
  try {
    resolveOptions({
      providers: { acme: { clientId: 'app', ...provider } },
      encryption: { keyring: `1:${randomBytes(32).toString('base64')}` },
    });
    return [];
  } catch (error) {
    if (!(error instanceof TokenConfigurationError)) throw error;
    return [...error.problems];
  }
}

const pem = { type: 'pkcs8', format: 'pem' } as const;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ecPem = ec.privateKey.export(pem) as string;
const ecJwk = ec.privateKey.export({ format: 'jwk' });
const publicPem = ec.publicKey.export({ type: 'spki', format: 'pem' });
const publicJwk = ec.publicKey.export({ format: 'jwk' });
const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export(pem);
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem);
const encrypted = ec.privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'hush' });
const cut = ecPem.replace(/\n[^\n]+\n-----END/, '\n-----END');

const issuer = 'https://id.example.com';

describe('The private key of a client', () => {
  it.each<[string, object]>([
    ['in PEM', { clientKey: ecPem }],
    ['in PEM with its kid', { clientKey: { pem: ecPem, kid: '2026' } }],
    ['as a JWK', { clientKey: { ...ecJwk, kid: '2026', alg: 'ES256' } }],
    ['of several', { clientKey: [ecPem, ecJwk], clientAuthentication: 'private_key_jwt' }],
    ['with its algorithm', { clientKey: ecPem, clientKeyAlgorithm: 'ES256' }],
  ])('%s is accepted', (_name, options) => {
    expect(problemsOf({ issuer, ...options })).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['something else', 'hush', /clientKey: must be PEM that begins with "-----BEGIN PRIVATE KEY/],
    ['a number', 5, /clientKey: must be PEM text or a JWK object/],
    ['no key', [], /clientKey: must hold at least one key/],
    ['an empty object', {}, /clientKey: must be PEM text, \{ pem, kid \} or a JWK/],
    ['a public key in PEM', publicPem, /clientKey: is public/],
    ['a public key as a JWK', publicJwk, /clientKey: is public/],
    ['an encrypted key', encrypted, /clientKey: is encrypted/],
    ['half a key', cut, /clientKey: cannot be read/],
    ['half a JWK', { kty: 'EC', crv: 'P-256', d: 'hush' }, /clientKey: cannot be read/],
    ['a symmetric key', { kty: 'oct', k: 'aHVzaA' } satisfies JsonWebKey, /clientKey: is a symmetric key/],
    ['a short RSA key', shortRsa, /clientKey: is of a kind that is not used here/],
    ['a key on another curve', otherCurve, /clientKey: is of a kind that is not used here/],
    ['a kid that is a number', { pem: ecPem, kid: 5 }, /clientKey: has a kid that is not a string/],
    [
      'an alg that does not fit',
      { ...ecJwk, alg: 'RS256' },
      /clientKey: does not fit its algorithm: .*ES256/,
    ],
    ['a good and a bad key', [ecPem, publicPem], /clientKey\.1: is public/],
  ])('may not be %s', (_name, clientKey, problem) => {
    expect(problemsOf({ issuer, clientKey }).join('\n')).toMatch(problem);
  });

  it.each<[object, RegExp]>([
    [{ clientAuthentication: 'private_key_jwt' }, /clientKey: is needed for private_key_jwt/],
    [{ clientKey: ecPem, clientSecret: 'hush' }, /clientKey: stands beside a clientSecret/],
    [
      { clientKey: ecPem, clientAuthentication: 'none' },
      /clientAuthentication: is "none" although there is a clientKey/,
    ],
    [{ clientKeyAlgorithm: 'ES256' }, /clientKeyAlgorithm: says how a clientKey signs/],
    [{ clientKey: ecPem, clientKeyAlgorithm: 'RS256' }, /clientKeyAlgorithm: a clientKey does not fit/],
    [{ clientKey: ecPem, clientKeyAlgorithm: 'HS256' }, /clientKeyAlgorithm: must be one of RS256/],
  ])('stands in no contradiction to the other options', (options, problem) => {
    expect(problemsOf({ issuer, ...options }).join('\n')).toMatch(problem);
  });

  it('has its faults listed with all the others, and is never repeated', () => {
    const problems = problemsOf({
      issuer: 'nowhere',
      clientId: '',
      clientKey: [publicPem, cut, { kty: 'EC', d: 'sEcReT' }],
    });
    expect(problems).toHaveLength(5);
    for (const secret of ['sEcReT', 'MIGH', 'MFkw', cut.split('\n')[1]!])
      expect(problems.join('\n')).not.toContain(secret);
  });
});

describe('The profile of a provider', () => {
  it.each<[string, object]>([
    ['knows the endpoints', { profile: 'github', clientSecret: 'hush' }],
    ['wants the endpoints', { profile: 'keycloak', issuer }],
    ['may be one of your own', { profile: { source: 'a letter', tokenEndpoint: `${issuer}/token` } }],
    ['may prefer a secret in the form where there is none', { profile: 'github' }],
    ['may prefer a secret in the form where there is a key', { profile: 'github', clientKey: ecPem }],
  ])('%s', (_name, options) => {
    expect(problemsOf(options)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown name', { profile: 'gihub', issuer }, /acme\.profile: is not a profile; known: .*github/],
    ['the name of a built-in', { profile: 'constructor', issuer }, /acme\.profile: is not a profile/],
    [
      'no endpoint',
      { profile: 'keycloak' },
      /acme: has neither "issuer" nor "tokenEndpoint", which its profile leaves to you/,
    ],
    [
      'a misspelt field',
      { issuer, profile: { source: 'x', rotates: true } },
      /profile\.rotates: is not an option/,
    ],
    [
      'an unknown meaning',
      { issuer, profile: { source: 'x', errorCodes: { no: 'yes' } } },
      /profile\.errorCodes\.no/,
    ],
    [
      'an insecure endpoint',
      { profile: { source: 'x', tokenEndpoint: 'http://id.example.com' } },
      /tokenEndpoint: must begin with https/,
    ],
  ])('with %s is refused', (_name, options, problem) => {
    expect(problemsOf(options).join('\n')).toMatch(problem);
  });
});
