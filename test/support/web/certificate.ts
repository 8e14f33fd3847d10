import { generate } from 'selfsigned';

/** For every server of a test file; the browser takes any. */
export const certificate = generate([{ name: 'commonName', value: 'example.test' }], { keyType: 'ec' }).then(
  ({ private: key, cert }) => ({ key, cert }),
);
