import { Controller, Get, UseGuards } from '@nestjs/common';
import { AccessToken, TokenGuard, UseToken } from '@tokenward/nestjs';
import { SessionGuard } from '@tokenward/nestjs/session';

/** A route that needs a live token, as a user of the library writes one. It tells what it was handed, but for the value. */
@Controller('guarded')
@UseGuards(SessionGuard, TokenGuard)
export class TokenController {
  @Get()
  @UseToken('local')
  show(@AccessToken() token: AccessToken): Pick<AccessToken, 'tokenType' | 'scope' | 'expiresAt'> {
    const { tokenType, scope, expiresAt } = token;
    return { tokenType, scope, expiresAt };
  }
}
