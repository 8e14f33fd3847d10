import {
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Redirect,
  Req,
  Session,
} from '@nestjs/common';
import { type Principal, TokenService } from '@tokenward/nestjs';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type Configuration,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';

const CALLBACK = 'https://app.example.com/login/google/callback';

/** What the session of your application keeps: this example needs a session package, such as express-session. */
interface LoginSession {
  userId?: string;
  login?: { state: string; nonce: string; codeVerifier: string };
}

/** For the option `principal` of `TokenModule`. Without it: `request.user`, as most log-in guards leave it. */
export function principal(context: ExecutionContext): Principal | null {
  const { session } = context.switchToHttp().getRequest<{ session?: LoginSession }>();
  return session?.userId === undefined ? null : { userId: session.userId };
}

/** Logs users in with Google. The log-in is the application's own; Tokenward takes over where it has the tokens. */
@Controller('login/google')
export class LoginController {
  constructor(private readonly tokens: TokenService) {}

  @Get()
  @Redirect()
  async begin(@Session() session: LoginSession): Promise<{ url: string }> {
    const login = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
    session.login = login;
    const url = buildAuthorizationUrl(await this.google(), {
      redirect_uri: CALLBACK,
      scope: 'openid email https://www.googleapis.com/auth/calendar.readonly',
      state: login.state,
      nonce: login.nonce,
      code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
      // What Google wants to hear before it issues a refresh token.
      access_type: 'offline',
      prompt: 'consent',
    });
    return { url: url.href };
  }

  @Get('callback')
  @Redirect('/')
  async finish(@Session() session: LoginSession, @Req() request: { url: string }): Promise<void> {
    if (!session.login) throw new ForbiddenException('This log-in was not begun here.');
    const { state, nonce, codeVerifier } = session.login;
    delete session.login;
    const answer = await authorizationCodeGrant(await this.google(), new URL(request.url, CALLBACK), {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
    });
    const userId = answer.claims()!.sub;
    await this.tokens.storeTokens({ userId, provider: 'google' }, answer);
    // Give the session a new id here, by the means of your session package, before it becomes a logged-in one.
    session.userId = userId;
  }

  /** Asked for each time to keep the example short: an application keeps the answer. */
  private google(): Promise<Configuration> {
    const { GOOGLE_CLIENT_ID = '', GOOGLE_CLIENT_SECRET } = process.env;
    return discovery(new URL('https://accounts.google.com'), GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET);
  }
}
