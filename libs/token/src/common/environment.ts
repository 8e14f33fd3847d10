/** The one thing this library reads from the environment; everything else comes by options. */
export const isProduction = (): boolean => process.env['NODE_ENV'] === 'production';
