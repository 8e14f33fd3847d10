interface Coded {
  code?: unknown;
  name?: unknown;
  cause?: unknown;
}

const CODE = /^[A-Za-z0-9_]{1,60}$/;

/** The most telling code of an error and its causes. Nothing else of it is ever repeated: it may hold request and answer. */
export function errorCode(error: unknown): string {
  const chain: Coded[] = [];
  for (let e = error as Coded | undefined; e && chain.length < 8; e = e.cause as Coded | undefined)
    chain.push(e);
  const codes = chain
    .flatMap(({ code, name }) => [code, name])
    .filter((code): code is string => typeof code === 'string');
  return (
    codes.toReversed().find((code) => CODE.test(code) && /_|^E[A-Z]+$/.test(code)) ??
    codes.find((code) => CODE.test(code)) ??
    'Error'
  );
}
