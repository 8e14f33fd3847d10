/* Key-encryption keys, replicas, jobs and the audit trail. */
import { ask, byId } from '../app.js';
import { arrange, make, setText } from '../elements.js';
import { confirm } from '../question.js';
import { act, placeFor } from './parts.js';
import { counted, exactDate, shortId, since } from './words.js';

const jobNames = {
  reencrypt: ['Re-encryption', 'moves rows from replaced keys to active ones'],
  rotate: ['Rotation', 'replaces old keys, moves their rows, retires empty keys'],
  clean_up: ['Clean-up', 'deletes token sets that have been dead for long'],
  refresh_ahead: ['Refresh ahead', 'refreshes tokens before they expire'],
  revoke: ['Revocation', 'asks providers again to revoke what users have ended'],
};

const deeds = {
  create: 'made a key',
  rotate: 'replaced a key',
  retire: 'retired a key',
  restore: 'restored a key',
  destroy: 'destroyed a key',
  shred: 'destroyed a key',
  shred_tenant: 'shredded a tenant',
  rewrap: 'wrapped data keys anew',
};

const entry = (name, words, kind, more) =>
  make(
    'li',
    {},
    make('strong', { textContent: name }),
    make('span', { className: kind, textContent: words }),
    make('small', { textContent: more }),
  );

function whereUsable({ usable, missingOn }) {
  if (!usable) return ['This replica cannot open what it wraps', 'bad'];
  if (missingOn.length === 0) return ['Usable on every live replica', 'live'];
  return [
    `Not held by ${counted(missingOn.length, 'live replica')}: ${missingOn.map(shortId).join(', ')}`,
    'wait',
  ];
}

export function paintKeks({ keks }) {
  const items = keks.map((kek) =>
    entry(kek.id, ...whereUsable(kek), `wraps ${counted(kek.dataKeys, 'data key')}`),
  );
  byId('keks').replaceChildren(...items);
}

export function paintReplicas({ replicas }) {
  const items = replicas.map(({ id, startedAt, seenAt, kekIds }) => {
    const times = `up for ${since(startedAt)}, seen ${since(seenAt)} ago`;
    return kekIds.length === 0
      ? entry(shortId(id), 'Holds no key-encryption key', 'bad', times)
      : entry(
          shortId(id),
          `Holds key-encryption ${kekIds.length === 1 ? 'key' : 'keys'} ${kekIds.join(', ')}`,
          'live',
          times,
        );
  });
  byId('replicas').replaceChildren(...items);
}

function wrapQuestion({ dataKeys, kekId, refusedBecause }) {
  if (refusedBecause !== null)
    return {
      title: 'The data keys cannot be wrapped anew',
      lines: [`${refusedBecause}.`, 'Give every replica the same keyring, the new entry included.'],
      button: null,
    };
  if (dataKeys === 0)
    return {
      title: 'There is nothing to wrap anew',
      lines: [
        `Every data key is wrapped under “${kekId}”, the first entry of the keyring.`,
        'To rotate it, put a new entry before it on every replica; then come back.',
      ],
      button: null,
    };
  return {
    title: 'Wrap the data keys anew?',
    lines: [
      `${counted(dataKeys, 'data key')} will be wrapped under “${kekId}”. No row of tokens is touched.`,
    ],
    button: 'Wrap them',
  };
}

export async function rotateKek() {
  const { body: plan } = await ask('/admin/keys/plan');
  if (!(await confirm(wrapQuestion(plan.rewrap)))) return false;
  const { body } = await ask('/admin/kek/rotate', 'POST');
  return `${counted(body.rewrapped, 'data key')} wrapped under “${body.kekId}”.`;
}

const jobViews = new Map();

/** Answers when the job has begun; how it goes on shows in the list. */
export async function run(name) {
  await ask(`/admin/jobs/${name}/run`, 'POST');
  return null;
}

function addJob(name) {
  const [title, purpose] = jobNames[name];
  const button = make('button', {
    className: 'quiet small',
    textContent: 'Run now',
    ariaLabel: `Run now: ${title}`,
  });
  const root = entry(title, '', '', purpose);
  root.append(button);
  button.addEventListener('click', () => act(button, placeFor(button), () => run(name)));
  const view = { root, last: root.querySelector('span') };
  jobViews.set(name, view);
  return view;
}

function howItWent({ running, lastRun }) {
  if (running) return ['Running', 'wait'];
  if (lastRun === null) return ['Not run yet', ''];
  const { endedAt, outcome, processed, reason } = lastRun;
  if (outcome === 'failed') return [`Failed ${since(endedAt)} ago: ${reason ?? 'the log tells why'}`, 'bad'];
  return [`${since(endedAt)} ago: ${counted(processed, 'row')}`, 'live'];
}

export function paintJobs(jobs) {
  const shown = jobs.map((job) => {
    const { root, last } = jobViews.get(job.name) ?? addJob(job.name);
    const [words, kind] = howItWent(job);
    setText(last, words);
    last.className = kind;
    return root;
  });
  arrange(byId('jobs'), shown);
}

let shownAudit = '';

export function paintAudit(entries) {
  const content = JSON.stringify(entries);
  if (content === shownAudit) return;
  shownAudit = content;
  const items = entries.map(({ at, actor, action, keyId, tenantId, from, to }) => {
    const deed = action === 'rotate' && to === 'active' ? 'made its successor' : (deeds[action] ?? action);
    const change = [from, to].filter(Boolean).join(' → ');
    const about = [tenantId, keyId && shortId(keyId), change].filter(Boolean).join(' · ');
    return make(
      'li',
      { className: actor === 'admin' ? 'mine' : '' },
      make('time', { dateTime: at, textContent: exactDate(at) }),
      make('strong', { textContent: actor }),
      ` ${deed}`,
      make('code', { textContent: about, title: keyId ?? '' }),
    );
  });
  byId('audit').replaceChildren(...items);
}
