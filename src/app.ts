import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { leaveBodiesUnread } from './api/unread-bodies.js';
import { AppLogger } from './app.logger.js';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import type { AppProviders } from './config/providers-file.js';
import type { LocalServices } from './local/local.services.js';
import { PublicUrl } from './web/public-url.js';
import { registerSecurityHeaders } from './web/security-headers.js';

const mostBytesOfARequest = 1024 * 1024;

export interface RunningApp {
  /** Where browsers find it. */
  url: string;
  close(): Promise<void>;
}

/** The app, listening. */
export async function startApp(
  config: Config,
  providers: AppProviders,
  local: LocalServices | null,
): Promise<RunningApp> {
  const logger = new AppLogger(config);
  const adapter = new FastifyAdapter({ trustProxy: config.trustProxy, bodyLimit: mostBytesOfARequest });
  const module = AppModule.with(config, providers, local);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger,
    abortOnError: false,
  });
  const fastify = adapter.getInstance();
  registerSecurityHeaders(fastify, config.overHttps);
  leaveBodiesUnread(fastify);
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    await app.close();
    throw error;
  }
  const address = fastify.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : config.port;
  const publicUrl = app.get(PublicUrl);
  publicUrl.listensOn(port);
  logger.log(`listens on port ${port} for ${publicUrl.to('/')}`, 'Tokenward');
  return { url: publicUrl.to('/'), close: () => app.close() };
}
