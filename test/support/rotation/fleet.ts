import { setTimeout as pause } from 'node:timers/promises';
import type { TokenEvent } from '@tokenward/nestjs';
import { Member } from './member.js';
import type { Orders } from './replica.process.js';

const POLL_MS = 20;

const randomOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;

/** Replicas behind a load balancer: who is killed is replaced at once. */
export class Fleet {
  kills = 0;
  readonly events: { slot: number; event: TokenEvent }[] = [];
  private readonly slots: (Member | null)[];
  private spare: Member;
  private working = false;

  constructor(
    private readonly file: string,
    size: number,
    private readonly ordersOf: (slot: number) => Orders,
  ) {
    this.slots = Array.from({ length: size }, () => null);
    this.spare = new Member(file);
  }

  /** Starts what is missing. */
  async fill(): Promise<void> {
    for (const [slot, member] of this.slots.entries()) if (member === null) await this.begin(slot);
  }

  /** Members that serve now. */
  get members(): Member[] {
    return this.slots.filter((member) => member !== null);
  }

  member(slot: number): Member {
    return this.slots[slot]!;
  }

  any(): Member {
    return randomOf(this.members);
  }

  /** The first of these that serves; at worst the one that is being started. */
  async firstOf(slots: readonly number[]): Promise<Member> {
    for (;;) {
      const slot = slots.find((one) => this.slots[one] !== null);
      if (slot !== undefined) return this.member(slot);
      await pause(POLL_MS);
    }
  }

  async killOne(): Promise<void> {
    const slot = randomOf([...this.slots.keys()].filter((index) => this.slots[index] !== null));
    const victim = this.member(slot);
    this.slots[slot] = null;
    this.kills++;
    await victim.kill();
    await this.begin(slot);
  }

  /** From now on every member, and whoever replaces it, re-encrypts. */
  async reencrypt(): Promise<void> {
    this.working = true;
    await Promise.all(this.members.map((member) => member.call('reencryptForEver')));
  }

  async replace(slot: number): Promise<void> {
    await this.member(slot).leave();
    await this.begin(slot);
  }

  async leave(): Promise<void> {
    await Promise.all([...this.members.map((member) => member.leave()), this.spare.dismiss()]);
  }

  private async begin(slot: number): Promise<void> {
    const member = this.spare;
    this.spare = new Member(this.file);
    await member.begin(this.ordersOf(slot), (event) => this.events.push({ slot, event }));
    if (this.working) await member.call('reencryptForEver');
    this.slots[slot] = member;
  }
}
