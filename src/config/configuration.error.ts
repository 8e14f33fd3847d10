/** The app cannot start as configured. Lists every fault at once, each with what to write instead. */
export class ConfigurationError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:`);
    this.name = 'ConfigurationError';
  }
}
