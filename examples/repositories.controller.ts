import { Controller, Get, UseGuards } from '@nestjs/common';
import { AccessToken, TokenGuard, UseToken } from '@tokenward/nestjs';
import { SessionGuard } from '@tokenward/nestjs/session';

@Controller('repositories')
@UseGuards(SessionGuard, TokenGuard)
@UseToken('github')
export class RepositoriesController {
  @Get()
  async list(@AccessToken() token: AccessToken): Promise<unknown> {
    const answer = await fetch('https://api.github.com/user/repos', {
      headers: { authorization: `Bearer ${token.value}` },
    });
    return answer.json();
  }
}
