// oidc-provider, set up as a good engineer would for machine clients and first-party apps: JWT access tokens signed with
// ES256, PKCE, rotating refresh tokens, no work that our server does not do. One argument: the path of a JSON file.
//
// { port, issuer, resource, opaque_resource, scopes: [..], signing_key: JWK, cookie_key, clients: [..],
//   accounts: [{email, password}], argon2: {memory, passes},
//   store: {kind: "memory"} | {kind: "sqlite", file, synchronous} | {kind: "postgresql", url, pool} }

import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

import { Provider } from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const argon2 = promisify(crypto.argon2);

const { open } = await import(`./stores/${settings.store.kind}.js`);
const store = await open(settings.store);

const accounts = new Map();
for (const { email, password } of settings.accounts) {
  const nonce = crypto.randomBytes(16);
  accounts.set(email, { nonce, hash: await hashed(password, nonce) });
}

function hashed(password, nonce) {
  const { memory, passes } = settings.argon2;
  return argon2('argon2id', { message: password, nonce, parallelism: 1, tagLength: 32, memory, passes });
}

const provider = new Provider(settings.issuer, {
  adapter: store,
  clients: settings.clients,
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [settings.signing_key] },
  cookies: { keys: [settings.cookie_key] },
  pkce: { required: () => true },
  findAccount: (ctx, id) => (accounts.has(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
  rotateRefreshToken: true,
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  // Ours does not tie tokens to the browser session; with `true` each redeemed code would also look the session up.
  expiresWithSession: () => false,
  // The documented way to skip consent for known apps: whoever has not met the client gets a grant at once.
  async loadExistingGrant(ctx) {
    const { session, client } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    const grant = new ctx.oidc.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addResourceScope(settings.resource, settings.scopes.join(' '));
    await grant.save();
    return grant;
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    ClientCredentials: 600,
    Grant: 30 * 24 * 3600,
    Interaction: 600,
    RefreshToken: 24 * 3600,
    Session: 8 * 3600,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    userinfo: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => settings.resource,
      useGrantedResource: () => true,
      // It cannot introspect its JWTs; what is introspected is opaque, and looked up in the store.
      getResourceServerInfo: (ctx, resource) => ({
        scope: settings.scopes.join(' '),
        audience: resource,
        accessTokenTTL: 600,
        ...(resource === settings.opaque_resource
          ? { accessTokenFormat: 'opaque' }
          : { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      }),
    },
  },
});
const answer = provider.callback();

const LOGIN_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<form method="post"><label>E-mail <input name="email" type="email"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form></html>`;

async function interaction(request, response) {
  await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-length', Buffer.byteLength(LOGIN_PAGE));
    response.end(LOGIN_PAGE);
    return;
  }
  const form = new URLSearchParams(await bodyOf(request));
  const account = accounts.get(form.get('email'));
  if (!account || !crypto.timingSafeEqual(account.hash, await hashed(form.get('password'), account.nonce))) {
    response.statusCode = 401;
    response.end();
    return;
  }
  await provider.interactionFinished(request, response, { login: { accountId: form.get('email') } });
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const server = createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    answer(request, response);
    return;
  }
  interaction(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
server.keepAliveTimeout = 120_000;
server.listen(settings.port, '127.0.0.1', () => console.log('ready'));
