import type { Database } from '../database/database.js';
import { type RotationOptions, rotationOptionsSchema } from '../jobs/job.options.js';
import { KeyWrapper } from '../keys/key-wrapper.js';
import { type KeyringFile, parseKeyring, readKeyringFile } from '../keys/keyring.js';
import { LocalKeyWrapper } from '../keys/local-key-wrapper.js';
import { loadConfigFile } from './config-file.js';
import { usageError } from './exit-code.js';

export type DataSource = NonNullable<ConstructorParameters<typeof Database>[0]>;

export interface CliConfig {
  dataSource: DataSource;
  wrapper: KeyWrapper;
  rotation: Omit<RotationOptions, 'cron'>;
}

/** @throws CommandError with every fault of the configuration at once */
export async function readConfig(file: string | undefined): Promise<CliConfig> {
  const value = await loadConfigFile(file);
  if (!isObject(value)) throw usageError('The default export of the configuration must be an object.');
  const { dataSource, encryption, rotation = {} } = value;
  const faults: string[] = [];
  if (!isDataSource(dataSource)) faults.push('dataSource: must be a DataSource of TypeORM');
  const wrapper = wrapperFrom(encryption, faults);
  const { data, error } = rotationOptionsSchema.safeParse(rotation);
  if (error)
    faults.push(...error.issues.map(({ path, message }) => `${['rotation', ...path].join('.')}: ${message}`));
  if (faults.length > 0) throw usageError(`The configuration is wrong:\n- ${faults.join('\n- ')}`);
  return { dataSource: dataSource as DataSource, wrapper: wrapper!, rotation: data || {} };
}

function wrapperFrom(encryption: unknown, faults: string[]): KeyWrapper | null {
  const { keyring, wrapper } = isObject(encryption) ? encryption : {};
  if ((keyring === undefined) === (wrapper === undefined)) {
    faults.push('encryption: needs either "keyring" (a string, or { file }) or "wrapper"');
    return null;
  }
  if (wrapper !== undefined) {
    if (wrapper instanceof KeyWrapper) return wrapper;
    faults.push(
      'encryption.wrapper: must extend the KeyWrapper of the @tokenward/nestjs that this CLI belongs to',
    );
    return null;
  }
  const file = isObject(keyring) ? keyring['file'] : undefined;
  if (typeof keyring === 'string') return keyringWrapper(keyring, 'encryption.keyring', faults);
  if (typeof file === 'string' && file !== '') return keyringFileWrapper(file, 'encryption.keyring', faults);
  faults.push('encryption.keyring: must be "id:base64,…" or { file: "/path" }');
  return null;
}

/** Null when there are faults, each of which is added with its place; none repeats key material. */
export function keyringFileWrapper(file: string, place: string, faults: string[]): LocalKeyWrapper | null {
  const { text, fault } = readKeyringFile({ file });
  if (fault === null) return keyringWrapper(text, place, faults, { file });
  faults.push(`${place}: ${fault}`);
  return null;
}

function keyringWrapper(
  text: string,
  place: string,
  faults: string[],
  source: KeyringFile | null = null,
): LocalKeyWrapper | null {
  const parsed = parseKeyring(text);
  faults.push(...parsed.faults.map((fault) => `${place}: ${fault}`));
  return parsed.faults.length === 0 ? new LocalKeyWrapper(parsed.keyring, source) : null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Not by class: the application may bring a TypeORM of its own. */
function isDataSource(value: unknown): value is DataSource {
  return isObject(value) && typeof value['initialize'] === 'function' && isObject(value['options']);
}
