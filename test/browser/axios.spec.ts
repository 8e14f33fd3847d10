import { expect, it } from 'vitest';
import { describeInBrowser, until } from './suite.js';

const TOKEN = '/auth/token/local';

describeInBrowser('axios', (stage) => {
  it('repeats all requests in flight of several instances, with one new token', async () => {
    const page = await stage.visitor.mediated();
    await page.evaluate(() => client.getAccessToken());
    stage.backend.issuer.revoke();
    const bodies = await page.evaluate(async (baseURL) => {
      const instances = [axios.create({ baseURL }), axios.create({ baseURL })];
      for (const instance of instances) client.axios(instance);
      const requests = instances.flatMap((instance, number) =>
        Array.from({ length: 10 }, (_, index) => instance.post('/things', { number, index })),
      );
      return (await Promise.all(requests)).map(({ data }) => JSON.parse((data as { body: string }).body));
    }, stage.backend.api.url);
    expect(bodies).toEqual(
      [0, 1].flatMap((number) => Array.from({ length: 10 }, (_, index) => ({ number, index }))),
    );
    expect(stage.backend.api.seen).toHaveLength(40);
    expect(stage.backend.count(TOKEN)).toBe(2);
  });

  it('ends a loop of refusals after one repeat, and its error does not hold the token', async () => {
    const page = await stage.visitor.mediated();
    stage.backend.refusesAll = true;
    const { status, text, kept } = await page.evaluate(async (baseURL) => {
      const instance = axios.create({ baseURL });
      client.axios(instance);
      try {
        return await instance.get('/things').then(() => ({ status: 0, text: '', kept: '' }));
      } catch (error) {
        const { response, config } = error as {
          response: { status: number };
          config: { headers: object };
        };
        return { status: response.status, text: JSON.stringify(error), kept: JSON.stringify(config.headers) };
      }
    }, stage.backend.api.url);
    expect(status).toBe(401);
    expect(stage.backend.api.seen).toHaveLength(2);
    expect(text + kept).not.toContain('secret');
    expect(text).toContain('/things');
  });

  it('repeats once also while the refusals are so slow that there is a new token for each', async () => {
    const page = await stage.visitor.mediated();
    stage.backend.refusesAll = true;
    const status = await page.evaluate(async (baseURL) => {
      const instance = axios.create({ baseURL, validateStatus: () => true });
      client.axios(instance);
      instance.interceptors.request.use((config) => {
        ahead.wall += 20_000;
        return config;
      });
      return (await instance.get('/things')).status;
    }, stage.backend.api.url);
    expect(status).toBe(401);
    expect(stage.backend.api.seen).toHaveLength(2);
  });

  it('repeats also where the caller takes every status for a success', async () => {
    const page = await stage.visitor.mediated();
    await page.evaluate(() => client.getAccessToken());
    stage.backend.issuer.revoke();
    const statuses = await page.evaluate(async (baseURL) => {
      const instance = axios.create({ baseURL, validateStatus: () => true });
      client.axios(instance);
      return [(await instance.get('/things')).status, (await instance.get('/forbidden')).status];
    }, stage.backend.api.url);
    expect(statuses).toEqual([200, 403]);
    expect(stage.backend.api.seen).toHaveLength(3);
  });

  it('sends nothing while there is no token', async () => {
    const page = await stage.visitor.mediated();
    stage.backend.outage = { status: 503, code: 'PROVIDER_UNAVAILABLE' };
    const code = await page.evaluate(async (baseURL) => {
      const instance = axios.create({ baseURL });
      client.axios(instance);
      return instance.get('/things').catch((error: { code: string }) => error.code);
    }, stage.backend.api.url);
    expect(code).toBe('UNAVAILABLE');
    expect(stage.backend.api.seen).toEqual([]);
  });

  it('is canceled as axios cancels, also while it waits for a token', async () => {
    const page = await stage.visitor.mediated();
    const release = stage.backend.hold(TOKEN);
    await page.evaluate((baseURL) => {
      const instance = axios.create({ baseURL });
      client.axios(instance);
      const controller = new AbortController();
      Object.assign(globalThis, { controller });
      kept['it'] = instance
        .get('/things', { signal: controller.signal })
        .catch((error) => axios.isCancel(error));
    }, stage.backend.api.url);
    await until(() => stage.backend.count(TOKEN) === 1);
    await page.evaluate('controller.abort()');
    expect(await page.evaluate(() => kept['it'])).toBe(true);
    release();
    expect(stage.backend.api.seen).toEqual([]);
  });

  it('sends the backend the CSRF header, and tells of the end of the session', async () => {
    const page = await stage.visitor.bff({ events: false });
    await page.evaluate(() => {
      const instance = axios.create({ baseURL: '/api/local' });
      Object.assign(globalThis, { instance });
      client.axios(instance);
    });
    expect(await page.evaluate('instance.get("/report").then(({ status }) => status)')).toBe(200);
    stage.backend.endSessions({ tell: false });
    expect(await page.evaluate('instance.get("/report").catch(({ response }) => response.status)')).toBe(401);
    await until(async () => (await page.evaluate(() => ends)).length === 1);
  });

  it('is left alone again', async () => {
    const page = await stage.visitor.mediated();
    const status = await page.evaluate(async (baseURL) => {
      const instance = axios.create({ baseURL, validateStatus: () => true });
      client.axios(instance)();
      return (await instance.get('/things')).status;
    }, stage.backend.api.url);
    expect(status).toBe(401);
    expect(stage.backend.api.seen[0]!.headers).not.toHaveProperty('authorization');
    expect(stage.backend.count(TOKEN)).toBe(0);
  });
});
