import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, problemOf, startProxiedApp, type ProxiedApp } from '../support/proxied-app.js';
import { growthDuring } from '../support/resident.js';
import { Visitor } from '../support/visitor.js';

const mebibyte = Buffer.alloc(2 ** 20);
const large = 200;
/** What garbage that is not collected yet may take; bodies that are kept would take all of `large`. */
const flat = large / 2;

const limits = { requestBytes: 2 ** 40, answerBytes: 2 ** 30, firstByteSeconds: 2, idleSeconds: 2 };

function* blocks(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield mebibyte;
}

/** Takes everything and keeps nothing. */
class Drain extends Writable {
  bytes = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.bytes += chunk.length;
    done();
  }
}

describe('bodies that are passed on', () => {
  let app: ProxiedApp;

  beforeAll(async () => {
    app = await startProxiedApp(limits);
  });
  afterAll(() => app?.stop());
  afterEach(() => app.api.forget());

  const failure = (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.unreachable('it should have failed'),
      (error: Error) => error,
    );
  const expectClosed = async (part: Readable | Writable): Promise<void> => {
    await expect.poll(() => part.destroyed, { timeout: 90_000 }).toBe(true);
  };

  describe.each([
    ['of a known length', { 'content-length': String(large * 2 ** 20) }],
    ['in chunks', {}],
  ])('as they come, %s,', (_what, headers) => {
    it('take no memory on their way to the API', async () => {
      const drain = new Drain();
      app.api.answer = async ({ request, response }) => {
        await pipeline(request, drain);
        response.end();
      };
      const sent = app.call('/test/files/1', { method: 'PUT', headers });
      const upload = pipeline(Readable.from(blocks(large)), sent);
      const whole = Promise.all([upload, answerTo(sent).then((answer) => text(answer))]);
      expect(await growthDuring(app.app.pid, whole)).toBeLessThan(flat);
      expect(drain.bytes).toBe(large * 2 ** 20);
    });

    it('take no memory on their way to the page', async () => {
      app.api.answer = ({ response }) =>
        pipeline(Readable.from(blocks(large)), response.writeHead(200, headers)).catch(() => undefined);
      const drain = new Drain();
      const answer = await answerTo(app.call('/test/files/1').end());
      expect(await growthDuring(app.app.pid, pipeline(answer, drain))).toBeLessThan(flat);
      expect(drain.bytes).toBe(large * 2 ** 20);
    });
  });

  it('reach the API while the page still writes them', async () => {
    app.api.answer = () => undefined;
    const sent = app.call('/test/files/1', { method: 'POST' });
    sent.write('first');
    await expect.poll(() => app.api.arrivals).toHaveLength(1);
    const { request, response } = app.api.arrivals[0]!;
    expect(String((await once(request, 'data'))[0])).toBe('first');
    sent.end('last');
    expect(await text(request)).toBe('last');
    response.end();
    expect((await answerTo(sent)).statusCode).toBe(200);
  });

  it('reach the page event by event, and their headers before the first one', async () => {
    app.api.answer = ({ response }) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    const answer = await answerTo(app.call('/test/me').end());
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const { response } = app.api.arrivals[0]!;
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      response.write(event);
      expect(String((await once(answer, 'data'))[0])).toBe(event);
    }
    response.end();
    await once(answer, 'end');
  });

  it('that an API does not want to read do not stand in the way of its answer', async () => {
    app.api.answer = ({ response }) => response.writeHead(413).end('too much');
    const sent = app.call('/test/files/1', { method: 'PUT', headers: { 'content-length': 10 * 2 ** 20 } });
    sent.write(mebibyte);
    const answer = await answerTo(sent);
    expect([answer.statusCode, await text(answer)]).toEqual([413, 'too much']);
    sent.destroy();
  });

  it('that nobody wants to read do not stand in the way of the next call of that connection', async () => {
    app.api.answer = ({ response }) => response.writeHead(413).end();
    const next = 'GET /api/test/me HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n';
    const body = 'x'.repeat(2 ** 24);
    const headers = ['Connection: keep-alive', `Content-Length: ${body.length}`];
    const { text: said } = await app.raw('PUT /api/test/files/1 HTTP/1.1', headers, body + next);
    expect(said.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 403']);
  });

  describe('end', () => {
    it('at the API when the page gives up sending', async () => {
      app.api.answer = ({ request }) => request.on('error', () => undefined).resume();
      const sent = app.call('/test/files/1', { method: 'PUT' });
      sent.on('error', () => undefined).write('first');
      await expect.poll(() => app.api.arrivals).toHaveLength(1);
      sent.destroy();
      const [{ request }] = app.api.arrivals as [(typeof app.api.arrivals)[0]];
      await expectClosed(request);
      expect(request.complete, 'the API has got a whole body').toBe(false);
    });

    it('at the API when the page gives up waiting', async () => {
      app.api.answer = () => undefined;
      const sent = app.call('/test/me').end();
      sent.on('error', () => undefined);
      await expect.poll(() => app.api.arrivals).toHaveLength(1);
      sent.destroy();
      await expectClosed(app.api.arrivals[0]!.request);
    });

    it('at the API when the page gives up reading', async () => {
      app.api.answer = ({ response }) => response.writeHead(200).write('first');
      const answer = await answerTo(app.call('/test/me').end());
      expect(String((await once(answer, 'data'))[0])).toBe('first');
      answer.destroy();
      await expectClosed(app.api.arrivals[0]!.response);
    });

    describe('with the session that they came with, ended at another device,', () => {
      const callOf = async (phone: Visitor) => {
        await phone.logIn(app.app.url);
        return app.call('/test/me', { headers: { cookie: phone.cookieFor(app.app.url) } }).end();
      };
      const endSessionOf = async (phone: Visitor): Promise<void> => {
        const list = await phone.ask(`${app.app.url}/auth/sessions`);
        const { handle } = ((await list.json()) as { handle: string; isCurrent: boolean }[]).find(
          ({ isCurrent }) => isCurrent,
        )!;
        const url = `${app.app.url}/auth/sessions/${handle}`;
        expect((await app.visitor.post(url, { method: 'DELETE' })).status).toBe(204);
      };

      it('on both sides', async () => {
        app.api.answer = ({ response }) => response.writeHead(200).write('first');
        const phone = new Visitor();
        const [here, there] = await Promise.all([
          answerTo(app.call('/test/me').end()),
          answerTo(await callOf(phone)),
        ]);
        const whole = failure(text(there));
        await endSessionOf(phone);
        expect((await whole).message).toBe('aborted');
        await expect
          .poll(() => app.api.arrivals.filter(({ response }) => response.destroyed))
          .toHaveLength(1);
        for (const { response } of app.api.arrivals) response.end('last');
        expect(await text(here), 'what another session reads').toBe('firstlast');
      });

      it('as calls that are not answered any more', async () => {
        app.api.answer = () => undefined;
        const phone = new Visitor();
        const sent = await callOf(phone);
        await expect.poll(() => app.api.arrivals).toHaveLength(1);
        const problem = problemOf(sent);
        await endSessionOf(phone);
        expect(await problem).toEqual({ status: 401, code: 'SESSION_REQUIRED' });
        await expectClosed(app.api.arrivals[0]!.request);
      });
    });

    it.each([{}, { 'content-length': '10' }])(
      'at the page as something broken when the API breaks off (%j)',
      async (headers) => {
        app.api.answer = ({ response }) => response.writeHead(200, headers).write('first');
        const answer = await answerTo(app.call('/test/me').end());
        const whole = failure(text(answer));
        app.api.arrivals[0]!.response.destroy();
        expect((await whole).message).toBe('aborted');
      },
    );

    it('on both sides when the API sends nothing for too long', async () => {
      app.api.answer = ({ response }) => response.writeHead(200).write('first');
      const answer = await answerTo(app.call('/other/me').end());
      expect((await failure(text(answer))).message).toBe('aborted');
      await expectClosed(app.api.arrivals[0]!.response);
    });
  });

  it('wait at the API while the page does not read them', async () => {
    const drain = new Drain();
    app.api.answer = ({ response }) =>
      pipeline(
        Readable.from(blocks(large)),
        async function* (source) {
          for await (const chunk of source) {
            drain.write(chunk);
            yield chunk;
          }
        },
        response.writeHead(200),
      ).catch(() => undefined);
    const answer = await answerTo(app.call('/other/me').end());
    // Nobody reads, so the call stands still, and is ended for it: with everything that has not been asked for.
    await expectClosed(app.api.arrivals[0]!.response);
    expect(drain.bytes).toBeLessThan((large * 2 ** 20) / 2);
    answer.destroy();
  });

  it('wait at the page while the API does not read them', async () => {
    app.api.answer = () => undefined;
    const sent = app.call('/other/files/1', { method: 'PUT' });
    const drain = new Drain();
    const upload = pipeline(
      Readable.from(blocks(large)),
      async function* (source) {
        for await (const chunk of source) {
          drain.write(chunk);
          yield chunk;
        }
      },
      sent,
    ).catch(() => undefined);
    expect(await problemOf(sent)).toEqual({ status: 504, code: 'API_TIMEOUT' });
    expect(drain.bytes).toBeLessThan((large * 2 ** 20) / 2);
    sent.destroy();
    await upload;
  });
});
