import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { client } from '../../../../examples/browser/client.js';
import { Page } from '../../../../examples/browser/page.js';
import { SessionProvider } from '../../../../examples/browser/session.js';
import '../visitor.globals.js';

const stay = (): void => undefined;

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <SessionProvider client={client}>
      <Page goTo={stay} />
    </SessionProvider>
  </StrictMode>,
);
