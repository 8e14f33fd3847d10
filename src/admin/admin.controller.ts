import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  UseGuards,
} from '@nestjs/common';
import {
  KeyService,
  type KeyAuditEntry,
  type KeyPlan,
  type KeyStatus,
  type RotationResult,
} from '@tokenward/nestjs';
import { z } from 'zod';
import { Valid } from '../web/valid.pipe.js';
import { CsrfGuard } from '../auth/csrf.guard.js';
import { AdminGuard } from './admin.guard.js';

/** In the audit trail: the area has one credential, so it is all that is known of who asks. */
const byAdmin = { actor: 'admin' };
const ofTenant = z.strictObject({ tenantId: z.string().optional() });
const confirmation = z.strictObject({ confirm: z.string() });
const page = z.strictObject({ limit: z.coerce.number().int().min(1).max(10_000).default(100) });

/** Keys and their audit trail, for the operator. What is answered holds no key, not even a wrapped one. */
@Controller('admin')
@UseGuards(CsrfGuard, AdminGuard)
export class AdminController {
  constructor(private readonly keys: KeyService) {}

  @Get('keys')
  status(): Promise<KeyStatus> {
    return this.keys.status();
  }

  @Get('keys/plan')
  plan(@Query(new Valid(ofTenant)) { tenantId }: z.infer<typeof ofTenant>): Promise<KeyPlan> {
    return this.keys.plan(tenantId === undefined ? {} : { tenantId });
  }

  @Post('keys/rotate')
  @HttpCode(200)
  rotate(@Body(new Valid(ofTenant)) { tenantId }: z.infer<typeof ofTenant>): Promise<RotationResult> {
    return this.keys.rotate({ ...byAdmin, ...(tenantId !== undefined && { tenantId }) });
  }

  @Post('keys/:id/retire')
  @HttpCode(204)
  retire(@Param('id') id: string): Promise<void> {
    return this.keys.retire(id, byAdmin);
  }

  @Post('keys/:id/restore')
  @HttpCode(204)
  restore(@Param('id') id: string): Promise<void> {
    return this.keys.restore(id, byAdmin);
  }

  @Post('keys/:id/destroy')
  @HttpCode(204)
  destroy(@Param('id') id: string): Promise<void> {
    return this.keys.destroy(id, byAdmin);
  }

  @Post('kek/rotate')
  @HttpCode(200)
  rotateKek(): Promise<{ kekId: string; rewrapped: number }> {
    return this.keys.rotateKek(byAdmin);
  }

  @Post('tenants/:id/shred')
  @HttpCode(200)
  async shred(
    @Param('id') tenantId: string,
    @Body(new Valid(confirmation)) { confirm }: z.infer<typeof confirmation>,
  ): Promise<{ keys: number; tokens: number }> {
    if (confirm !== tenantId)
      throw new BadRequestException('confirm must repeat the id of the tenant. Nothing was changed.');
    if (!(await this.isKnown(tenantId)))
      throw new NotFoundException('No data key is known of this tenant. Nothing was changed.');
    return this.keys.shredTenant(tenantId, byAdmin);
  }

  @Get('audit')
  audit(@Query(new Valid(page)) { limit }: z.infer<typeof page>): Promise<KeyAuditEntry[]> {
    return this.keys.audit({ limit });
  }

  /** The status names at most a thousand keys, the active ones last; the plan names a tenant's active ones. */
  private async isKnown(tenantId: string): Promise<boolean> {
    const { rotate } = await this.keys.plan({ tenantId });
    if (rotate.length > 0) return true;
    return (await this.keys.status()).dataKeys.some((key) => key.tenantId === tenantId);
  }
}
