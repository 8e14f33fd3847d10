import { Injectable } from '@nestjs/common';
import { EncryptionService } from '@tokenward/nestjs';

/** Seals a secret of the application's own beside the tokens, under the same data keys. */
@Injectable()
export class WebhookSecrets {
  constructor(private readonly encryption: EncryptionService) {}

  seal(tenantId: string, webhookId: string, secret: string): Promise<Buffer> {
    return this.encryption.encrypt(secret, { tenantId, recordId: webhookId, field: 'webhook_secret' });
  }

  async open(tenantId: string, webhookId: string, sealed: Buffer): Promise<string> {
    const context = { tenantId, recordId: webhookId, field: 'webhook_secret' };
    return (await this.encryption.decrypt(sealed, context)).toString('utf8');
  }
}
