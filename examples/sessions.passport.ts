import { promisify } from 'node:util';
import { type CanActivate, type ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import { type HostSessions, SessionTies } from '@tokenward/nestjs/session';
import type session from 'express-session';
import type { Profile } from 'passport';

/** As much of a request as Passport and express-session leave it. */
interface LoggedInRequest {
  sessionID: string;
  user?: Pick<Profile, 'id'>;
  logout(done: (error: unknown) => void): void;
}

/** For the option `hostSessions` of `SessionModule`. The store is the one that `session({ store })` has got. */
export const passportSessions = (store: session.Store): HostSessions => ({
  destroy: (sessionId) => promisify(store.destroy.bind(store))(sessionId),
});

@Injectable()
export class PassportLogIn {
  constructor(
    private readonly ties: SessionTies,
    private readonly tokens: TokenService,
  ) {}

  /** After `passport.authenticate`, which has given the session a new id, and after `storeTokens`. */
  async tie({ sessionID, user }: LoggedInRequest, provider: string): Promise<void> {
    await this.ties.tie(sessionID, { userId: user!.id, login: { provider } });
  }

  /** Tokens that no other session hangs on are revoked; then Passport forgets the user. */
  async logOut(request: LoggedInRequest): Promise<void> {
    const tied = await this.ties.current(request.sessionID);
    if (tied) await this.tokens.revokeAll({ sessionId: tied.handle });
    await promisify(request.logout.bind(request))();
  }
}

/** Beside Passport's own check: closes the moment until the store has destroyed a session that has ended. */
@Injectable()
export class TiedSessionGuard implements CanActivate {
  constructor(private readonly ties: SessionTies) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { sessionID } = context.switchToHttp().getRequest<LoggedInRequest>();
    if (await this.ties.current(sessionID)) return true;
    throw new UnauthorizedException();
  }
}
