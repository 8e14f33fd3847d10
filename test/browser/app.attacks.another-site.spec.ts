import { describeAttacks } from './attacks.js';

describeAttacks('a page of another site, while its reader is logged in here', {
  host: 'attacker.test',
  site: 'cross-site',
});
