import { describeAttacks } from './attacks.js';

describeAttacks('a page of a sibling subdomain, while its reader is logged in here', {
  host: 'evil.example.test',
  site: 'same-site',
});
