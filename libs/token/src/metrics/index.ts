export { TokenCollectorsModule, TokenMetricsModule } from './token-metrics.module.js';
