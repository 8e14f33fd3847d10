/** The provider behind the backend, and what the backend keeps of it: one access token at a time. */
export class Issuer {
  /** How often the backend has gone to the provider. */
  refreshes = 0;
  lifetimeSeconds = 600;
  #current: { value: string; endsAt: number } | null = null;

  /** What the backend answers: the token that it has, or a new one. */
  token(refused: boolean): { access_token: string; token_type: string; expires_in: number; scope: string } {
    if (refused || !this.#current || this.#current.endsAt <= Date.now()) this.refresh();
    const { value, endsAt } = this.#current!;
    const expiresIn = Math.ceil((endsAt - Date.now()) / 1000);
    return { access_token: value, token_type: 'Bearer', expires_in: expiresIn, scope: 'read' };
  }

  accepts(authorization: string | undefined): boolean {
    return this.#current !== null && authorization === `Bearer ${this.#current.value}`;
  }

  /** The provider takes it back before its time; the backend does not know. */
  revoke(): void {
    if (this.#current) this.#current.value += '-of-which-nobody-knows';
  }

  expire(): void {
    this.#current = null;
  }

  private refresh(): void {
    this.refreshes += 1;
    const value = `secret-access-token-${this.refreshes}`;
    this.#current = { value, endsAt: Date.now() + this.lifetimeSeconds * 1000 };
  }
}
