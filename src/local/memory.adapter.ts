import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

type Records = Map<string, { payload: AdapterPayload; expiresAt: number }>;

/**
 * Everything the provider remembers, in one map per provider. The adapter that oidc-provider brings along forgets the
 * oldest of more than a thousand records, which looks like a revoked session to whoever comes back late.
 */
class MemoryAdapter implements Adapter {
  constructor(
    private readonly model: string,
    private readonly records: Records,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const expiresAt = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000;
    this.records.set(this.key(id), { payload, expiresAt });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const record = this.records.get(this.key(id));
    if (record && record.expiresAt <= Date.now()) this.records.delete(this.key(id));
    else return record?.payload;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...this.records.values()].find(
      ({ payload }) => payload.kind === this.model && payload.uid === uid,
    )?.payload;
  }

  async findByUserCode(): Promise<undefined> {}

  async consume(id: string): Promise<void> {
    const record = this.records.get(this.key(id));
    if (record) record.payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    this.records.delete(this.key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of this.records) {
      if (payload.kind === this.model && payload.grantId === grantId) this.records.delete(key);
    }
  }

  private key(id: string): string {
    return `${this.model}:${id}`;
  }
}

/** The storage of one provider; two providers in one process share nothing. */
export function memoryAdapter(): AdapterFactory {
  const records: Records = new Map();
  return (model) => new MemoryAdapter(model, records);
}
