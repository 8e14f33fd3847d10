import type { ReactNode } from 'react';
import { useTokenClient } from './session.js';

export function Page({ goTo }: { goTo: (address: string) => void }): ReactNode {
  const state = useTokenClient();
  switch (state.status) {
    case 'loading':
      return <p>One moment …</p>;
    case 'unavailable':
      return <p role="alert">The server cannot answer now. You are still logged in.</p>;
    case 'logged out':
      return <a href="/auth/login/google">Log in</a>;
    case 'logged in': {
      const leave = async (): Promise<void> => {
        const { endSessionUrl } = await state.client.logout();
        if (endSessionUrl) goTo(endSessionUrl);
      };
      return (
        <>
          <h1>{String(state.session.user['name'])}</h1>
          <button onClick={() => void leave()}>Log out</button>
        </>
      );
    }
  }
}
