import { Module } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { CountedGauges } from './counted-gauges.js';
import { ProviderGauges } from './provider-gauges.js';
import { TokenCollectors } from './token-collectors.js';

/** The metrics alone, for a host that has its own `PrometheusModule.register()`. */
@Module({ providers: [TokenCollectors, CountedGauges, ProviderGauges], exports: [TokenCollectors] })
export class TokenCollectorsModule {}

/** `GET /metrics` for Prometheus, with the metrics of this library and of Node.js. Needs `@willsoto/nestjs-prometheus` and `prom-client`. */
@Module({ imports: [PrometheusModule.register(), TokenCollectorsModule] })
export class TokenMetricsModule {}
