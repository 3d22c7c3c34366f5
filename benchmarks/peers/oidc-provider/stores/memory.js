// A Map without a bound. (The library's own memory store keeps 1,000 entries, which a benchmark overruns in a second.)

export async function open() {
  return (model) => new MemoryStore(model);
}

const sessions = new Map();
const members = new Map();

class MemoryStore {
  #rows = new Map();

  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload) {
    this.#rows.set(id, payload);
    if (this.model === 'Session') sessions.set(payload.uid, id);
    if (payload.grantId) {
      const known = members.get(payload.grantId);
      if (known) known.push([this, id]);
      else members.set(payload.grantId, [[this, id]]);
    }
  }

  async find(id) {
    return this.#rows.get(id);
  }

  async findByUid(uid) {
    return this.#rows.get(sessions.get(uid));
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    this.#rows.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.#rows.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [store, id] of members.get(grantId) ?? []) await store.destroy(id);
    members.delete(grantId);
  }
}
