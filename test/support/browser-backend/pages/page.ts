// What an application would write; the options come from the address.
import { createTokenClient, type TokenClientOptions } from '@tokenward/browser';
import axios from 'axios';
import '../visitor.globals.js';

const options = JSON.parse(new URLSearchParams(location.search).get('options')!) as TokenClientOptions;
const client = createTokenClient({ ...options, baseUrl: options.baseUrl ?? '/' });
const ends: string[] = [];
client.onSessionEnd((end) => ends.push(end.reason));

const violations: string[] = [];
document.addEventListener('securitypolicyviolation', (event) =>
  violations.push((event as Event & { violatedDirective: string }).violatedDirective),
);

Object.assign(globalThis, { axios, client, createTokenClient, ends, violations });
