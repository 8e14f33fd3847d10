import 'reflect-metadata';
import { HttpService } from '@nestjs/axios';
import { All, Controller, Inject, Module, Param, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, RouteConfig, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TokenHttpService } from '@tokenward/nestjs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NEVER } from 'rxjs';
import { ApiProxy } from '../src/api/api.proxy.js';
import { ListedApis } from '../src/api/listed-apis.js';
import { bodyUnread, leaveBodiesUnread } from '../src/api/unread-bodies.js';
import { ProviderDirectory } from '../src/providers/provider-directory.js';
import { registerSecurityHeaders } from '../src/web/security-headers.js';

/** The proxy of the reference app without session, guards and tokens: whoever calls, with HttpService itself. */
@Controller('api')
class BareController {
  constructor(@Inject(ApiProxy) private readonly proxy: ApiProxy) {}

  @All(':provider/*')
  @RouteConfig(bodyUnread)
  async call(
    @Param('provider') provider: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const path = request.raw.url!.slice(`/api/${provider}`.length);
    await this.proxy.pass({ userId: 'nobody', tenantId: 'default', provider }, path, request, reply, NEVER);
  }
}

@Module({})
class BareModule {}

async function start(baseUrl: string): Promise<void> {
  const http = new HttpService();
  const withoutToken = { as: () => http } as unknown as TokenHttpService;
  const api = { baseUrl, calls: ['GET /me'] };
  const providers = new ProviderDirectory({
    test: { label: '', note: null, api, options: { clientId: '' } },
  });
  const proxy = new ApiProxy(withoutToken, new ListedApis(providers));
  const module = {
    module: BareModule,
    controllers: [BareController],
    providers: [{ provide: ApiProxy, useValue: proxy }],
  };
  const adapter = new FastifyAdapter();
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false });
  registerSecurityHeaders(adapter.getInstance(), false);
  leaveBodiesUnread(adapter.getInstance());
  await app.listen(0, '127.0.0.1');
  process.send!(await app.getUrl());
}

process.once('message', (baseUrl: string) => void start(baseUrl));
process.once('disconnect', () => process.exit(0));
