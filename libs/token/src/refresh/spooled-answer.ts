import { z } from 'zod';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { randomId } from '../crypto/random.js';
import type { SealedCells, TokenWrite } from '../store/token-rows.js';
import type { OpenedTokens, Sealer, TokenStore } from '../store/token-store.js';
import type { Quarantine } from './claims.js';

/** What a provider has answered and the database does not have yet: enough to store it in another process. */
export interface SpooledAnswer {
  ref: ResolvedTokenRef;
  recordId: string;
  /** The generation whose refresh token was presented: only over that one it may be stored. */
  presented: number;
  tokens: OpenedTokens;
  write: Omit<TokenWrite, keyof SealedCells>;
  /** The database's clock, as far as it was known, when `write` counted from it. */
  countedAt: number;
  quarantine: Quarantine | null;
}

/** The same durations, counted from `ms` later. */
export function agedBy<Write extends Pick<TokenWrite, 'expiresInMs' | 'refreshInMs'>>(
  write: Write,
  ms: number,
): Write {
  const left = (duration: number | null): number | null =>
    duration === null ? null : Math.max(0, Math.round(duration - Math.max(0, ms)));
  return { ...write, expiresInMs: left(write.expiresInMs), refreshInMs: left(write.refreshInMs) };
}

/** A file of the spool that cannot be used; it is kept as it is. */
export class SpoolFileError extends Error {
  constructor(readonly reason: string) {
    super(`spool file refused: ${reason}`);
  }
}

const VERSION = 1;
const FACTS = 'facts';
const milliseconds = z.int().min(0).nullable();

const fileSchema = z.strictObject({
  version: z.literal(VERSION),
  id: z.uuid(),
  tenantId: z.string().min(1).max(255),
  /** Records as text, by name: the facts, and the tokens that there are. */
  sealed: z.record(z.string().regex(/^[a-zA-Z]{1,32}$/), z.string()),
});

/** Sealed, so that what comes out is what this library has put in; checked all the same, since versions differ. */
const factsSchema = z.object({
  ref: z.object({ tenantId: z.string(), userId: z.string(), provider: z.string(), account: z.string() }),
  recordId: z.string(),
  presented: z.int(),
  write: z.looseObject({
    tokenType: z.string(),
    scope: z.string().nullable(),
    lifetimeSeconds: z.int().nullable(),
    expiresInMs: milliseconds,
    refreshInMs: milliseconds,
  }),
  countedAt: z.int(),
  quarantine: z.object({ failure: z.string(), retryInMs: z.number() }).nullable(),
});

/** The text of a new file. Each part is sealed under the id of the file: it opens in no other one, and in no row. */
export function sealAnswer(answer: SpooledAnswer, seal: Sealer): { id: string; text: string } {
  const id = randomId();
  const { tokens, ...others } = answer;
  // Whoever has come with a whole row has it all in the ref: cells that have no room here.
  const { tenantId, userId, provider, account } = answer.ref;
  const facts = { ...others, ref: { tenantId, userId, provider, account } };
  const present = Object.entries(tokens).filter(([, token]) => token !== null) as [string, string][];
  const sealed = seal(id, { [FACTS]: JSON.stringify(facts), ...Object.fromEntries(present) });
  return { id, text: JSON.stringify({ version: VERSION, id, tenantId, sealed }) };
}

/**
 * @throws SpoolFileError for what is no such file, or one of another version · DecryptionError where it was changed or its
 * key is not there · KeyUnavailableError where it can be tried again
 */
export async function openAnswer(text: string, id: string, store: TokenStore): Promise<SpooledAnswer> {
  const file = parse(text, fileSchema);
  if (file.id !== id || !(FACTS in file.sealed)) throw new SpoolFileError('SHAPE_INVALID');
  const opened = await store.openFile({ id, tenantId: file.tenantId }, file.sealed);
  const { [FACTS]: factsText, ...present } = opened;
  const facts = parse(factsText!, factsSchema);
  if (facts.ref.tenantId !== file.tenantId) throw new SpoolFileError('SHAPE_INVALID');
  const tokens = { accessToken: null, refreshToken: null, idToken: null, dpopKey: null, ...present };
  return { ...facts, tokens };
}

function parse<T>(text: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new SpoolFileError('NOT_JSON');
  }
  const { data, error } = schema.safeParse(json);
  if (error) throw new SpoolFileError('SHAPE_INVALID');
  return data;
}
