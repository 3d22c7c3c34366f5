// better-sqlite3 in WAL mode: one table per model, statements prepared once, indexes on what is looked up.
// The library asks for one write at a time, so each is a transaction of its own.

import Database from 'better-sqlite3';

export async function open({ file, synchronous }) {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${synchronous}`);
  database.pragma('cache_size = -65536');
  return (model) => new SqliteStore(database, model);
}

const now = () => Math.floor(Date.now() / 1000);

class SqliteStore {
  constructor(database, model) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS "${model}" (
        id TEXT PRIMARY KEY, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, expires_at INTEGER, consumed_at INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS "${model}_grant" ON "${model}" (grant_id) WHERE grant_id IS NOT NULL;
      CREATE INDEX IF NOT EXISTS "${model}_uid" ON "${model}" (uid) WHERE uid IS NOT NULL;
    `);
    this.statements = {
      upsert: database.prepare(`
        INSERT INTO "${model}" (id, payload, grant_id, uid, expires_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
          expires_at = excluded.expires_at`),
      find: database.prepare(`SELECT payload, expires_at, consumed_at FROM "${model}" WHERE id = ?`),
      findByUid: database.prepare(`SELECT payload, expires_at, consumed_at FROM "${model}" WHERE uid = ?`),
      consume: database.prepare(`UPDATE "${model}" SET consumed_at = ? WHERE id = ?`),
      destroy: database.prepare(`DELETE FROM "${model}" WHERE id = ?`),
      revokeByGrantId: database.prepare(`DELETE FROM "${model}" WHERE grant_id = ?`),
    };
  }

  async upsert(id, payload, expiresIn) {
    const expiresAt = expiresIn ? now() + expiresIn : null;
    this.statements.upsert.run(id, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, expiresAt);
  }

  async find(id) {
    return found(this.statements.find.get(id));
  }

  async findByUid(uid) {
    return found(this.statements.findByUid.get(uid));
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    this.statements.consume.run(now(), id);
  }

  async destroy(id) {
    this.statements.destroy.run(id);
  }

  async revokeByGrantId(grantId) {
    this.statements.revokeByGrantId.run(grantId);
  }
}

function found(row) {
  if (!row || (row.expires_at !== null && row.expires_at <= now())) return undefined;
  const payload = JSON.parse(row.payload);
  if (row.consumed_at !== null) payload.consumed = row.consumed_at;
  return payload;
}
