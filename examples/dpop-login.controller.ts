import { Controller, ForbiddenException, Get, Redirect, Req, Session } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type Configuration,
  discovery,
  getDPoPHandle,
  None,
  randomDPoPKeyPair,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';

const CALLBACK = 'https://app.example.com/login/acme/callback';

interface LoginSession {
  userId?: string;
  login?: { state: string; codeVerifier: string };
}

/** Logs users in with a provider that binds tokens to keys, as a public client. */
@Controller('login/acme')
export class DpopLoginController {
  constructor(private readonly tokens: TokenService) {}

  @Get()
  @Redirect()
  async begin(@Session() session: LoginSession): Promise<{ url: string }> {
    const login = { state: randomState(), codeVerifier: randomPKCECodeVerifier() };
    session.login = login;
    const url = buildAuthorizationUrl(await this.acme(), {
      redirect_uri: CALLBACK,
      scope: 'openid offline_access',
      state: login.state,
      code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href };
  }

  @Get('callback')
  @Redirect('/')
  async finish(@Session() session: LoginSession, @Req() request: { url: string }): Promise<void> {
    if (!session.login) throw new ForbiddenException('This log-in was not begun here.');
    const { state, codeVerifier } = session.login;
    delete session.login;
    const userId = await this.store(new URL(request.url, CALLBACK), {
      expectedState: state,
      pkceCodeVerifier: codeVerifier,
    });
    session.userId = userId;
  }

  private async store(
    callback: URL,
    checks: { expectedState: string; pkceCodeVerifier: string },
  ): Promise<string> {
    const acme = await this.acme();
    // A key for this log-in; extractable, or it could not be stored.
    const keyPair = await randomDPoPKeyPair('ES256', { extractable: true });
    const DPoP = getDPoPHandle(acme, keyPair);
    const answer = await authorizationCodeGrant(acme, callback, checks, undefined, { DPoP });
    const userId = answer.claims()!.sub;
    await this.tokens.storeTokens({ userId, provider: 'acme' }, answer, { dpopKey: keyPair.privateKey });
    return userId;
  }

  /** Asked for each time to keep the example short: an application keeps the answer. */
  private acme(): Promise<Configuration> {
    return discovery(new URL('https://id.example.com'), 'my-app', undefined, None());
  }
}
