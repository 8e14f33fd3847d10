import type { Provider } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { TokenEvents } from '../common/events.js';
import { EncryptionService } from '../encryption/encryption.service.js';
import { ROTATION_DEFAULTS } from '../jobs/job.options.js';
import { KeyReport } from '../key-report.js';
import { KeyService } from '../key.service.js';
import { DataKeyRows } from '../keys/data-key-rows.js';
import { KekRollout } from '../keys/kek-rollout.js';
import { KekRotation } from '../keys/kek-rotation.js';
import { KekRows } from '../keys/kek-rows.js';
import { KeyHealth } from '../keys/key-health.js';
import { KeyMaker } from '../keys/key-maker.js';
import { KeyManager } from '../keys/key-manager.js';
import { KeyReports } from '../keys/key-reports.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeyTransitions } from '../keys/key-transitions.js';
import { KeyWatch } from '../keys/key-watch.js';
import { KeyWrapper } from '../keys/key-wrapper.js';
import { LEASE_MS } from '../refresh/policy.js';
import { Reencryption } from '../store/reencryption.js';
import { SealedRows } from '../store/sealed-rows.js';
import { TokenStore } from '../store/token-store.js';
import type { ResolvedOptions } from '../token.options.validation.js';
import { provide } from '../common/provide.js';
import { OPTIONS, TOKEN_ENCRYPTION } from './tokens.js';

/** Keys, and what seals with them. */
export const keyProviders: Provider[] = [
  provide(
    KeyRing,
    [DataKeyRows, KeyWrapper, Clock],
    (...args: ConstructorParameters<typeof KeyRing>) => new KeyRing(...args),
  ),
  provide(
    KeyHealth,
    [DataKeyRows, KeyRing, TokenEvents, Clock],
    (...args: ConstructorParameters<typeof KeyHealth>) => new KeyHealth(...args),
  ),
  provide(
    KekRollout,
    [KekRows, KeyRing, KeyWrapper, Clock],
    (...args: ConstructorParameters<typeof KekRollout>) => new KekRollout(...args),
  ),
  provide(
    KeyMaker,
    [DataKeyRows, KeyRing, KeyWrapper, KeyHealth, KekRollout],
    (...args: ConstructorParameters<typeof KeyMaker>) => new KeyMaker(...args),
  ),
  provide(
    KeyManager,
    [DataKeyRows, KeyRing, KeyMaker, TokenEvents],
    (...args: ConstructorParameters<typeof KeyManager>) => new KeyManager(...args),
  ),
  provide(
    KekRotation,
    [KeyTransitions, KeyWrapper, KekRollout, KeyRing],
    (...args: ConstructorParameters<typeof KekRotation>) => new KekRotation(...args),
  ),
  provide(
    KeyWatch,
    [DataKeyRows, KeyRing, KeyManager, KeyWrapper, KekRollout, KeyHealth, Clock, TokenEvents],
    (
      rows: DataKeyRows,
      ring: KeyRing,
      manager: KeyManager,
      wrapper: KeyWrapper,
      rollout: KekRollout,
      health: KeyHealth,
      clock: Clock,
      events: TokenEvents,
    ) => new KeyWatch({ rows, ring, manager, wrapper, rollout, health }, clock, events),
  ),
  ...[
    { token: EncryptionService, purpose: 'application' as const },
    { token: TOKEN_ENCRYPTION, purpose: 'token' as const },
  ].map(({ token, purpose }) =>
    provide(
      token,
      [KeyManager, KeyRing, TokenEvents],
      (manager: KeyManager, ring: KeyRing, events: TokenEvents) =>
        new EncryptionService(manager, ring, events, purpose),
    ),
  ),
  provide(
    Reencryption,
    [SealedRows, TokenStore, Clock, TokenEvents, OPTIONS],
    (rows: SealedRows, store: TokenStore, clock: Clock, events: TokenEvents, { rotation }: ResolvedOptions) =>
      new Reencryption(rows, store, clock, events, {
        batchSize: (rotation || ROTATION_DEFAULTS).batchSize,
        leaseMs: LEASE_MS,
      }),
  ),
  provide(
    KeyReport,
    [KeyReports, KekRows, KekRollout, KekRotation, KeyWrapper],
    (
      reports: KeyReports,
      kekRows: KekRows,
      rollout: KekRollout,
      kekRotation: KekRotation,
      wrapper: KeyWrapper,
    ) => new KeyReport({ reports, kekRows, rollout, kekRotation, wrapper }),
  ),
  provide(
    KeyService,
    [DataKeyRows, KeyTransitions, KeyManager, KekRotation, SealedRows, KeyReport, TokenEvents, OPTIONS],
    (
      rows: DataKeyRows,
      transitions: KeyTransitions,
      manager: KeyManager,
      kekRotation: KekRotation,
      sealedRows: SealedRows,
      report: KeyReport,
      events: TokenEvents,
      { rotation }: ResolvedOptions,
    ) =>
      new KeyService({ keys: rows, transitions, manager, kekRotation, sealedRows }, report, events, {
        destroyAfterDays: (rotation || ROTATION_DEFAULTS).destroyAfterDays,
      }),
  ),
];
