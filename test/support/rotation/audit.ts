import { hashOf, type TestProvider } from '../provider.js';
import { type Account, refreshTokenOf } from './account.js';
import type { Fleet } from './fleet.js';

const AT_ONCE = 100;

/**
 * Opens every row. Token sets of the strict provider are held against its own log: it has seen no refresh token twice,
 * and takes the one that is stored.
 */
export async function countLost(
  accounts: readonly Account[],
  fleet: Fleet,
  oracle: TestProvider['oracle'],
  check: (holds: boolean, what: string) => void,
): Promise<{ lost: number; cutOff: number }> {
  let lost = 0;
  let cutOff = 0;
  const miss = (what: string): void => {
    lost++;
    check(false, `lost: ${what}`);
  };
  check(oracle.reuses === 0, `${oracle.reuses} refresh tokens were presented twice`);
  const consumed = new Set(
    oracle.requests.filter(({ outcome }) => outcome === 'ok').map(({ refreshTokenHash }) => refreshTokenHash),
  );
  const judge = async (account: Account, found: Awaited<ReturnType<typeof open>>[number]): Promise<void> => {
    const { userId } = account.ref;
    if (found.access === undefined) miss(`${userId}: ${found.fault}`);
    else if (!account.expectation()(found.access)) miss(`${userId}: an older access token is stored`);
    else if (!account.isRefreshed) {
      if (found.refresh !== refreshTokenOf(found.access)) miss(`${userId}: another refresh token is stored`);
    } else if (consumed.has(hashOf(found.refresh!))) {
      if (account.cutOff) cutOff++;
      else miss(`${userId}: the stored refresh token is used up`);
    } else {
      await fleet
        .any()
        .call('refresh', account.ref)
        .catch((error: Error) => miss(`${userId}: the provider refuses what is stored: ${error.message}`));
    }
  };
  const open = (batch: readonly Account[]) =>
    fleet.any().call(
      'open',
      batch.map(({ ref }) => ref),
    );
  const waiting = Array.from({ length: Math.ceil(accounts.length / AT_ONCE) }, (_, index) =>
    accounts.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
  const worker = async (): Promise<void> => {
    for (let batch = waiting.pop(); batch; batch = waiting.pop()) {
      const found = await open(batch);
      for (const [index, account] of batch.entries()) await judge(account, found[index]!);
    }
  };
  await Promise.all(fleet.members.map(worker));
  return { lost, cutOff };
}
