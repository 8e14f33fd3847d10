/* How far re-encryption is. */
import { byId } from '../app.js';
import { setText } from '../elements.js';
import { counted, number, serverNow, span } from './words.js';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** What to call the state of things, and how worried to be. */
function describe({ rowsLeft, quarantinedRows, rowsPerSecond }, jobs) {
  const begun = jobs.some(({ name, running }) => running && name === 'reencrypt');
  if (rowsLeft > 0 && (begun || rowsPerSecond !== null)) return { mood: 'waiting', word: 'Running' };
  if (rowsLeft > 0) return { mood: 'waiting', word: 'Waiting for its next run' };
  if (quarantinedRows > 0) return { mood: 'dead', word: 'Rows in quarantine' };
  return { mood: '', word: 'Nothing to do' };
}

/** `complete`: whether these are all keys, which alone tell how many rows there are. */
export function paintProgress({ reencryption, dataKeys, replicas }, jobs, complete) {
  const { rowsLeft, quarantinedRows, rowsPerSecond, estimatedEnd } = reencryption;
  const total = dataKeys.reduce((sum, { rows }) => sum + rows, 0);
  const done = total - rowsLeft - quarantinedRows;
  const { mood, word } = describe(reencryption, jobs);

  byId('progress').className = `card connection ${mood}`;
  byId('progress').style.setProperty('--lived', total === 0 ? 1 : done / total);
  setText(byId('state'), word);
  setText(byId('left'), number(rowsLeft));
  setText(byId('left-unit'), `${rowsLeft === 1 ? 'row' : 'rows'} left under replaced keys`);
  byId('bar').hidden = !complete;
  byId('bar').ariaValueMax = String(total);
  byId('bar').ariaValueNow = String(done);
  setText(byId('share'), complete ? `${number(done)} of ${counted(total, 'row')} under active keys` : '');
  const end = estimatedEnd === null ? null : Date.parse(estimatedEnd);
  setText(byId('end'), end === null ? '' : `done in ${span(end - serverNow())}, at ${clock.format(end)}`);
  const speed = Math.max(1, Math.round(rowsPerSecond));
  setText(byId('speed'), rowsPerSecond === null ? 'at rest' : `${counted(speed, 'row')}/s`);
  setText(byId('quarantined'), number(quarantinedRows));
  setText(byId('replica-count'), number(replicas.length));
  byId('quarantine').hidden = quarantinedRows === 0;
  const [were, them] = quarantinedRows === 1 ? ['was', 'it is'] : ['were', 'they are'];
  setText(
    byId('quarantine'),
    `${counted(quarantinedRows, 'row')} could not be opened and ${were} left as ${them}; the log tells why. Users replace such a row by logging in again, and until then its key stays.`,
  );
}
