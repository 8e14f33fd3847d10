type Answer = Record<string, unknown> | Error;

/** Answers of the backend that come when a test says so. */
export class FakeBackend {
  readonly asked: { path: string; headers: unknown; answer: (answer: Answer) => void }[] = [];
  readonly opened: { signal: AbortSignal; answer: (answer: Response | Error) => void }[] = [];

  readonly ask = (_method: string, path: string, init: RequestInit = {}): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const answer = (with_: Answer): void => (with_ instanceof Error ? reject(with_) : resolve(with_));
      this.asked.push({ path, headers: init.headers, answer });
    });

  readonly open = (_path: string, signal: AbortSignal): Promise<Response> =>
    new Promise((resolve, reject) => {
      const answer = (with_: Response | Error): void =>
        with_ instanceof Error ? reject(with_) : resolve(with_);
      this.opened.push({ signal, answer });
    });
}

export const tokenAnswer = (value: string, expiresIn: number | null = 600): Record<string, unknown> => ({
  access_token: value,
  token_type: 'Bearer',
  expires_in: expiresIn,
});
