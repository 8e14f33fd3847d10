import { errors, type Client, type default as Provider } from 'oidc-provider';
import { generateKeyPair, SignJWT } from 'jose';

export const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const ISSUED_TYPES = [`${TOKEN_TYPE}access_token`, `${TOKEN_TYPE}jwt`];

export interface ExchangeRules {
  /** Whether a token may be issued for this audience or resource. */
  knows: (target: string) => boolean;
  /** Lifetime of what is issued, in seconds; null: the answer tells none. */
  ttlSeconds: () => number | null;
}

type Parameters = Record<string, string | string[] | undefined>;

const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

/** Only what this client was given, and only while it is valid. RFC 8693 §2.2.2 names the error for all the rest. */
async function subjectOf(provider: Provider, client: Client, parameters: Parameters) {
  const { subject_token: value, subject_token_type: type } = parameters;
  if (typeof value !== 'string' || type !== `${TOKEN_TYPE}access_token`)
    throw new errors.InvalidRequest('subject_token and its type are needed');
  const subject = await provider.AccessToken.find(value);
  if (!subject?.isValid || subject.clientId !== client.clientId)
    throw new errors.InvalidRequest('subject_token is not valid');
  return subject;
}

/** Lets a provider exchange access tokens by RFC 8693 to the letter: what is issued says for whom and for what. */
export async function allowTokenExchange(provider: Provider, rules: ExchangeRules): Promise<void> {
  const { privateKey } = await generateKeyPair('ES256');
  provider.registerGrantType(
    GRANT_TYPE,
    async (ctx) => {
      const parameters = ctx.oidc.params as Parameters;
      if (parameters['actor_token'] !== undefined || parameters['actor_token_type'] !== undefined)
        throw new errors.InvalidRequest('delegation is not allowed to this client');
      const subject = await subjectOf(provider, ctx.oidc.client, parameters);
      const issuedType = parameters['requested_token_type'] ?? ISSUED_TYPES[0]!;
      if (typeof issuedType !== 'string' || !ISSUED_TYPES.includes(issuedType))
        throw new errors.InvalidRequest('requested_token_type is not issued here');
      const targets = [...list(parameters['audience']), ...list(parameters['resource'])];
      if (!targets.every((target) => rules.knows(target))) throw new errors.InvalidTarget('unknown target');
      const scope = (parameters['scope'] as string | undefined) ?? subject.scope ?? '';
      const granted = new Set(subject.scope?.split(' '));
      if (!scope.split(' ').every((value) => granted.has(value)))
        throw new errors.InvalidScope('exceeds the subject token', scope);
      const ttl = rules.ttlSeconds();
      const token = new SignJWT({ scope, client_id: ctx.oidc.client.clientId, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
        .setSubject(subject.accountId)
        .setAudience(targets);
      ctx.body = {
        access_token: await token.sign(privateKey),
        issued_token_type: issuedType,
        token_type: 'Bearer',
        ...(ttl !== null && { expires_in: ttl }),
        scope,
        // Allowed, though unusual (RFC 8693 §2.2.1).
        refresh_token: `unasked-${crypto.randomUUID()}`,
      };
    },
    ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'].concat(
      'actor_token',
      'actor_token_type',
    ),
    ['audience', 'resource'],
  );
}
