import { Injectable } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';

@Injectable()
export class SignedCallsService {
  constructor(private readonly tokens: TokenService) {}

  /** For requests that do not go through `TokenHttpService`. */
  async profile(userId: string): Promise<Response> {
    const url = 'https://api.example.com/me';
    const token = await this.tokens.getAccessToken({ userId, provider: 'acme' });
    return fetch(url, {
      // A redirect is another request, which needs another proof.
      redirect: 'error',
      headers: {
        Authorization: `DPoP ${token.value}`,
        DPoP: this.tokens.dpopProof(token, { method: 'GET', url }),
      },
    });
  }
}
