import { describeShortForm } from './short-form.js';

describeShortForm('mariadb');
