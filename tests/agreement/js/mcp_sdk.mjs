// The official TypeScript SDK, its first or its second generation (the word after the script): its client walks through a guarded MCP server as an application built on it would.
// What an application has to bring is brought here: a place to remember things, and a listener to be called back at.

import { randomUUID } from 'node:crypto';
import { listen, run } from './job.mjs';

const generations = {
  async 1() {
    const sdk = '@modelcontextprotocol/sdk/client';
    const modules = ['index', 'auth', 'auth-extensions', 'streamableHttp'].map((name) => import(`${sdk}/${name}.js`));
    // Its transport takes the code alone and looks at nothing else that came back.
    return { ...Object.assign({}, ...(await Promise.all(modules))), back: (arrived) => arrived.get('code') };
  },
  async 2() {
    return { ...(await import('@modelcontextprotocol/client')), back: (arrived) => arrived };
  },
};
const { Client, auth, UnauthorizedError, PrivateKeyJwtProvider, StreamableHTTPClientTransport, back } =
  await generations[process.argv[2]]();

/** What an application remembers. */
class Application {
  constructor(job, callback) {
    this.callback = callback;
    this.client = job.client;
    this.clientMetadataUrl = job.document;
    this.redirectUrl = callback.redirectUri;
    this.clientMetadata = {
      client_name: 'Application of the TypeScript SDK',
      redirect_uris: [callback.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...job.registration,
    };
    this.asked = [];
  }
  state() {
    return (this.expected = randomUUID());
  }
  clientInformation() {
    return this.client;
  }
  saveClientInformation(client) {
    this.client = client;
  }
  tokens() {
    return this.kept;
  }
  saveTokens(tokens) {
    this.kept = tokens;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  codeVerifier() {
    return this.verifier;
  }
  redirectToAuthorization(url) {
    this.asked.push(url.searchParams.get('scope'));
    this.arriving = this.callback.visit(url);
  }
  /** With what the person came back, as this generation wants it. */
  async answer() {
    const arrived = (await this.arriving).searchParams;
    if (arrived.get('state') !== this.expected) throw new Error('another state came back');
    if (!arrived.get('code')) throw new Error(`no code came back: ${arrived}`);
    return back(arrived);
  }
}

function transport(state) {
  state.statuses ??= [];
  const noting = async (url, init) => {
    const response = await fetch(url, init);
    state.statuses.push([new URL(url).pathname, response.status]);
    return response;
  };
  return new StreamableHTTPClientTransport(new URL(state.job.resource), { authProvider: state.provider, fetch: noting });
}

async function connect(state) {
  const { negotiation } = state.job;
  const options = negotiation ? { versionNegotiation: { mode: negotiation } } : {};
  state.client = new Client({ name: 'application', version: '1' }, options);
  state.transport = transport(state);
  await state.client.connect(state.transport);
  (state.ends ??= []).push(() => state.client.close());
}

const shown = (result) => ({ is_error: Boolean(result.isError), content: result.structuredContent ?? result.content });
const granted = (provider) => (provider.kept.scope ?? '').split(' ').filter(Boolean).sort();

await run({
  /** Discovery, a client identity (by document where there is one, else by registration) and a login with PKCE. */
  async login(state, job) {
    state.callback = await listen();
    state.provider = new Application(job, state.callback);
    try {
      await connect(state);
      throw new Error('nobody was asked to log in');
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    await state.transport.finishAuth(await state.provider.answer());
    await connect(state);
    const { client, kept, asked } = state.provider;
    return { client, asked, scope: granted(state.provider), refreshable: Boolean(kept.refresh_token) };
  },

  async list(state) {
    const { tools } = await state.client.listTools();
    const spoken = state.client.getNegotiatedProtocolVersion?.() ?? state.transport.protocolVersion;
    return { tools: tools.map((tool) => tool.name).sort(), spoken };
  },

  async read(state, job) {
    return shown(await state.client.callTool(job.read));
  },

  /** The access token is spoilt; the SDK meets a 401, refreshes by itself, and calls again. */
  async refresh(state, job) {
    const before = state.provider.kept;
    state.provider.kept = { ...before, access_token: 'spoilt' };
    const result = shown(await state.client.callTool(job.read));
    const { kept, asked } = state.provider;
    const rotated = Boolean(kept.refresh_token) && kept.refresh_token !== before.refresh_token;
    return { ...result, rotated, logins: asked.length };
  },

  /** An application that keeps no refresh token. */
  async forget(state) {
    const { refresh_token, ...kept } = state.provider.kept;
    state.provider.kept = kept;
    return { forgotten: Boolean(refresh_token) };
  },

  /** A call that needs more: 403, a second login that asks for more, the same call again. */
  async stepUp(state, job) {
    try {
      await state.client.callTool(job.write);
      throw new Error('the call needed no more than was there');
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
    }
    await state.transport.finishAuth(await state.provider.answer());
    const result = shown(await state.client.callTool(job.write));
    return { ...result, asked: state.provider.asked, scope: granted(state.provider) };
  },

  /** While it holds a refresh token this SDK refreshes at a 403, and says so when that was not enough. */
  async stuck(state, job) {
    try {
      await state.client.callTool(job.write);
    } catch (error) {
      return { message: error.message, code: error.code, logins: state.provider.asked.length };
    }
    throw new Error('the call needed no more than was there');
  },

  /** Somebody does meanwhile what the job says. */
  async errand(state, job) {
    await state.callback.errand(job.errand);
    return {};
  },

  async write(state, job) {
    return { ...shown(await state.client.callTool(job.write)), logins: state.provider.asked.length };
  },

  /** Client credentials with a key, by the SDK's own provider. */
  async machine(state, job) {
    const { client_id, private_jwk } = job.client;
    const settings = { clientId: client_id, privateKey: private_jwk, algorithm: private_jwk.alg, scope: job.scope };
    state.provider = new PrivateKeyJwtProvider({ ...settings, expectedIssuer: job.issuer });
    await connect(state);
    return { scope: state.provider.tokens().scope };
  },

  /** `auth` alone, with what is remembered: a refresh, and no login. */
  async again(state, job) {
    const before = state.provider.asked.length;
    const result = await auth(state.provider, { serverUrl: job.resource });
    return { result, logins: state.provider.asked.length - before };
  },

  async statuses(state) {
    return { statuses: state.statuses };
  },
});
