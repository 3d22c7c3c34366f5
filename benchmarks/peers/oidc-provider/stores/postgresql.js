// pg with a pool: one table per model, named (so prepared) statements, indexes on what is looked up. Commits are durable.
// The library asks for one write at a time, so each is a transaction of its own.

import pg from 'pg';

export async function open({ url, pool: max }) {
  const pool = new pg.Pool({ connectionString: url, max, idleTimeoutMillis: 0 });
  await Promise.all(MODELS.map((model) => pool.query(`
    CREATE TABLE IF NOT EXISTS "${model}" (
      id text PRIMARY KEY, payload text NOT NULL, grant_id text, uid text, expires_at bigint, consumed_at bigint
    );
    CREATE INDEX IF NOT EXISTS "${model}_grant" ON "${model}" (grant_id) WHERE grant_id IS NOT NULL;
    CREATE INDEX IF NOT EXISTS "${model}_uid" ON "${model}" (uid) WHERE uid IS NOT NULL;
  `)));
  return (model) => new PostgresqlStore(pool, model);
}

const MODELS = [
  'AccessToken', 'AuthorizationCode', 'ClientCredentials', 'Grant', 'Interaction', 'RefreshToken', 'ReplayDetection',
  'Session',
];

const now = () => Math.floor(Date.now() / 1000);

class PostgresqlStore {
  constructor(pool, model) {
    this.pool = pool;
    this.texts = {
      upsert: `
        INSERT INTO "${model}" (id, payload, grant_id, uid, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
          expires_at = excluded.expires_at`,
      find: `SELECT payload, expires_at::float8, consumed_at::float8 FROM "${model}" WHERE id = $1`,
      findByUid: `SELECT payload, expires_at::float8, consumed_at::float8 FROM "${model}" WHERE uid = $1`,
      consume: `UPDATE "${model}" SET consumed_at = $1 WHERE id = $2`,
      destroy: `DELETE FROM "${model}" WHERE id = $1`,
      revokeByGrantId: `DELETE FROM "${model}" WHERE grant_id = $1`,
    };
    this.model = model;
  }

  run(act, ...values) {
    return this.pool.query({ name: `${act} ${this.model}`, text: this.texts[act], values });
  }

  async upsert(id, payload, expiresIn) {
    const expiresAt = expiresIn ? now() + expiresIn : null;
    await this.run('upsert', id, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, expiresAt);
  }

  async find(id) {
    return found(await this.run('find', id));
  }

  async findByUid(uid) {
    return found(await this.run('findByUid', uid));
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    await this.run('consume', now(), id);
  }

  async destroy(id) {
    await this.run('destroy', id);
  }

  async revokeByGrantId(grantId) {
    await this.run('revokeByGrantId', grantId);
  }
}

function found({ rows: [row] }) {
  if (!row || (row.expires_at !== null && row.expires_at <= now())) return undefined;
  const payload = JSON.parse(row.payload);
  if (row.consumed_at !== null) payload.consumed = row.consumed_at;
  return payload;
}
