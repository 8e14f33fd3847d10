/** As much as is used here of packages that bring no types. */
declare module 'simple-oauth2' {
  interface Token {
    access_token: string;
    refresh_token: string;
    expires_in?: number;
  }
  interface AccessToken {
    readonly token: Token;
    expired(): boolean;
    refresh(): Promise<AccessToken>;
  }
  export class AuthorizationCode {
    constructor(options: {
      client: { id: string; secret: string };
      auth: { tokenHost: string; tokenPath: string };
    });
    createToken(token: Token & { expires_at: string }): AccessToken;
  }
}

declare module 'passport-oauth2' {
  const OAuth2Strategy: new (options: object, verify: () => void) => object;
  export default OAuth2Strategy;
}

declare module 'passport-oauth2-refresh' {
  type Done = (
    fault: { data?: string } | null,
    accessToken: string,
    refreshToken: string,
    answer: { expires_in: number },
  ) => void;
  const refresh: {
    use(name: string, strategy: object): void;
    requestNewAccessToken(name: string, refreshToken: string, done: Done): void;
  };
  export default refresh;
}
