import type { SessionInfo, TokenClient } from '@tokenward/browser';
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';

type State =
  | { status: 'loading' }
  | { status: 'logged in'; session: SessionInfo }
  | { status: 'logged out' }
  | { status: 'unavailable'; error: unknown };

const Session = createContext<(State & { client: TokenClient }) | null>(null);

/** Asks who is logged in, and hears of the end of the session in whatever tab it was ended. */
export function SessionProvider({
  client,
  children,
}: {
  client: TokenClient;
  children: ReactNode;
}): ReactNode {
  const [state, setState] = useState<State>({ status: 'loading' });

  useEffect(() => {
    let mounted = true;
    const show = (next: State): void => {
      if (mounted) setState(next);
    };
    const stop = client.onSessionEnd(() => show({ status: 'logged out' }));
    client.getSession().then(
      (session) => show(session ? { status: 'logged in', session } : { status: 'logged out' }),
      (error: unknown) => show({ status: 'unavailable', error }),
    );
    return () => {
      mounted = false;
      stop();
    };
  }, [client]);

  const value = useMemo(() => ({ ...state, client }), [state, client]);
  return <Session value={value}>{children}</Session>;
}

/** The session, and the client for calls: `const { status, client } = useTokenClient()`. */
export function useTokenClient(): State & { client: TokenClient } {
  const value = useContext(Session);
  if (!value) throw new Error('useTokenClient needs a <SessionProvider> around it.');
  return value;
}
