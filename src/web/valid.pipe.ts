import { BadRequestException, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';

/** A body or query that is as the schema says; a missing one counts as empty. */
export class Valid<T extends z.ZodType> implements PipeTransform {
  constructor(private readonly schema: T) {}

  transform(value: unknown): z.infer<T> {
    const { data, error } = this.schema.safeParse(value ?? {});
    if (!error) return data;
    const faults = error.issues.map(({ path, message }) => [...path, message].join(' '));
    throw new BadRequestException(faults.join('; '));
  }
}
