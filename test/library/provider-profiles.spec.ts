import {
  type ProviderOptions,
  type ProviderProfile,
  providerProfiles,
  ReauthorizationRequiredError,
  type TokenRef,
} from '@tokenward/nestjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { TokenEndpoint } from '../support/token-endpoint.js';

let endpoint: TokenEndpoint;
let database: TestDatabase;
let replica: Replica;
let users = 0;
/** Each at a Slack of its own: one that asks to be left alone is. */
const SLACK_ERRORS = [
  ['invalid_refresh_token', 'grant_rejected'],
  ['ratelimited', 'throttled'],
  ['fatal_error', 'outcome_unknown'],
  ['bad_client_secret', 'client_rejected'],
] as const;

beforeAll(async () => {
  endpoint = await TokenEndpoint.start();
  database = await createDatabase('sqlite');
  const as = (profile: NonNullable<ProviderOptions['profile']>): ProviderOptions => ({
    profile,
    tokenEndpoint: endpoint.url,
    clientId: 'app',
    clientSecret: 'hush',
    allowInsecureRequests: true,
  });
  const own: ProviderProfile = {
    source: 'https://docs.example.com/oauth',
    tokenEndpoint: 'https://id.example.com/token',
    reuseGraceSeconds: 0,
    formEncodedAnswers: true,
    errorCodes: { slow: 'throttled', gone: 'grant_rejected', invalid_grant: 'unavailable' },
  };
  replica = await startReplica(database, {
    providers: {
      github: as('github'),
      slack: as('slack'),
      ...Object.fromEntries(SLACK_ERRORS.map(([error]) => [error, as('slack')])),
      'slack-user': as('slack-user'),
      hydra: as('hydra'),
      'hydra-with-grace': { ...as('hydra'), reuseGraceSeconds: 300 },
      own: as(own),
    },
    encryption: { keyring: freshKeyring() },
    refresh: { ahead: false },
    cleanup: false,
    rotation: false,
    cache: false,
  });
});
afterAll(async () => {
  await replica.close();
  await database.drop();
  await endpoint.stop();
});

async function login(provider: string, more: object = {}): Promise<TokenRef> {
  const ref = { userId: `user-${++users}`, provider };
  const tokens = { access_token: 'first', refresh_token: 'kept', ...more };
  await replica.tokens.storeTokens(ref, tokens);
  return ref;
}
const lastOutcome = () => replica.events.findLast((event) => event.type === 'refresh')?.outcome;
const refresh = (ref: TokenRef) => replica.tokens.refreshTokens(ref);

describe('GitHub', () => {
  it('answers with a form and commas between the scopes', async () => {
    const ref = await login('github', { scope: 'repo,gist' });
    expect((await replica.tokens.getAccessToken(ref, { scope: 'gist' })).scope).toBe('repo gist');
    const form =
      'access_token=ghu_2&expires_in=28800&refresh_token=ghr_2&scope=repo%2Cgist%2Cuser&token_type=bearer';
    endpoint.reply(200, form, { 'content-type': 'text/plain' });
    expect(await refresh(ref)).toMatchObject({
      value: 'ghu_2',
      scope: 'repo gist user',
      tokenType: 'Bearer',
    });
    const sent = endpoint.requests.at(-1)!;
    expect([sent.authorization, sent.form.get('client_secret')]).toEqual([null, 'hush']);
  });

  it('refuses with status 200', async () => {
    const ref = await login('github');
    endpoint.reply(200, { error: 'bad_refresh_token', error_description: 'The refresh token is invalid.' });
    await expect(refresh(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });

  it('is no reason to log out when its client secret is wrong', async () => {
    const ref = await login('github');
    endpoint.reply(200, { error: 'incorrect_client_credentials' });
    await expect(refresh(ref)).rejects.toThrow(/client_rejected/);
  });
});

describe('Slack', () => {
  const bot = { ok: true, access_token: 'xoxe.xoxb-2', refresh_token: 'xoxe-2', token_type: 'bot' };
  const user = { id: 'U1', access_token: 'xoxe.xoxp-2', refresh_token: 'xoxe-3', token_type: 'user' };

  it("has the bot's token at the top, of a type of its own", async () => {
    const ref = await login('slack');
    const body = { ...bot, scope: 'commands,chat:write', expires_in: 43_200, authed_user: user };
    endpoint.reply(200, body);
    expect(await refresh(ref)).toMatchObject({
      value: 'xoxe.xoxb-2',
      tokenType: 'Bearer',
      scope: 'commands chat:write',
    });
  });

  it("has the user's token inside at the log-in, and at the top of a refresh", async () => {
    const ref = await login('slack-user', {
      ...bot,
      authed_user: { ...user, scope: 'search:read,users:read', expires_in: 43_200 },
    });
    expect(await replica.tokens.getAccessToken(ref)).toMatchObject({
      value: 'xoxe.xoxp-2',
      tokenType: 'Bearer',
      scope: 'search:read users:read',
    });
    endpoint.reply(200, { ok: true, ...user, access_token: 'xoxe.xoxp-3' });
    expect((await refresh(ref)).value).toBe('xoxe.xoxp-3');
    expect(endpoint.requests.at(-1)!.form.get('refresh_token')).toBe('xoxe-3');
  });

  it.each(SLACK_ERRORS)('says %s with status 200, which is %s', async (error, outcome) => {
    const ref = await login(error);
    endpoint.reply(200, { ok: false, error });
    await expect(refresh(ref)).rejects.toThrow(error);
    expect(lastOutcome()).toBe(outcome);
  });
});

describe('A profile', () => {
  it('decides what happens after a lost reply, unless an option does', async () => {
    const strict = await login('hydra');
    const lenient = await login('hydra-with-grace');
    endpoint.answer((response) => response.destroy());
    await expect(refresh(strict)).rejects.toThrow(ReauthorizationRequiredError);
    await expect(refresh(lenient)).rejects.toThrow(/outcome_unknown/);
  });

  it('may be written by the application', async () => {
    const rejected = await login('own');
    endpoint.reply(400, { error: 'gone' });
    await expect(refresh(rejected)).rejects.toThrow(ReauthorizationRequiredError);
    const kept = await login('own');
    endpoint.reply(400, { error: 'invalid_grant' });
    await expect(refresh(kept)).rejects.toThrow(/unavailable/);
    // Last: from then on the provider is left alone for a while.
    const throttled = await login('own');
    endpoint.reply(200, 'error=slow');
    await expect(refresh(throttled)).rejects.toThrow(/throttled/);
  });

  it('cannot be changed by accident', () => {
    expect(() => Object.assign(providerProfiles, { google: {} })).toThrow(TypeError);
    expect(() => Object.assign(providerProfiles.hydra, { reuseGraceSeconds: 300 })).toThrow(TypeError);
  });
});
