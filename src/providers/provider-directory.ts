import { NotFoundException } from '@nestjs/common';
import type { AppProvider, AppProviders } from '../config/providers-file.js';

/** What the page needs to know of a provider. */
export interface OfferedProvider {
  name: string;
  label: string;
  note: string | null;
  /** Path of an API call to try out, if one is listed. */
  sample: string | null;
  /** Paths of the listed `GET` calls that need nothing but their path. */
  calls: string[];
}

/** The configured providers by name, as far as the app itself needs to know them. */
export class ProviderDirectory {
  constructor(private readonly providers: AppProviders) {}

  /** @throws NotFoundException, which a caller who made the name up sees */
  get(name: string): AppProvider {
    if (!Object.hasOwn(this.providers, name))
      throw new NotFoundException('There is no provider of that name.');
    return this.providers[name]!;
  }

  list(): OfferedProvider[] {
    return Object.entries(this.providers).map(([name, { label, note }]) => {
      const calls = this.plainCalls(name);
      return { name, label, note, sample: calls[0] ?? null, calls };
    });
  }

  /** The first listed call that needs nothing but its path. */
  sample(name: string): string | null {
    return this.plainCalls(name)[0] ?? null;
  }

  private plainCalls(name: string): string[] {
    const listed = this.get(name).api?.calls ?? [];
    return listed
      .filter((call) => call.startsWith('GET ') && !call.endsWith('*'))
      .map((call) => call.slice('GET '.length));
  }
}
