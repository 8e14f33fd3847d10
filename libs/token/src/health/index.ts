export { TokenHealthIndicator } from './token-health.indicator.js';
export { TokenHealthModule } from './token-health.module.js';
