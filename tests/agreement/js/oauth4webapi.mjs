// npm oauth4webapi, which follows the specifications to the letter: each of its checks is one we cannot talk our way out of.
// The one liberty taken is http on loopback, for which it has a switch of its own.

import * as oauth from 'oauth4webapi';
import { listen, run } from './job.mjs';

const loopback = { [oauth.allowInsecureRequests]: true };
const json = (response) => response.clone().json();

/** How the client of the job proves itself: by nothing, a secret, or a key (RFC 7523 §2.2). */
async function authentication({ client_secret, private_jwk }) {
  if (private_jwk) {
    const algorithm = { ES256: { name: 'ECDSA', namedCurve: 'P-256' }, EdDSA: { name: 'Ed25519' } }[private_jwk.alg];
    const key = await crypto.subtle.importKey('jwk', private_jwk, algorithm, false, ['sign']);
    return oauth.PrivateKeyJwt({ key, kid: private_jwk.kid });
  }
  return client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.None();
}

async function verified(state, accessToken) {
  const request = new Request(state.job.resource, { headers: { authorization: `Bearer ${accessToken}` } });
  return oauth.validateJwtAccessToken(state.as, request, state.job.resource, loopback);
}

function redeemed(state, tokens) {
  state.tokens = tokens;
  return { scope: tokens.scope, expires_in: tokens.expires_in, refreshable: Boolean(tokens.refresh_token) };
}

/** Where the browser is sent: by what the server was told before (RFC 9126), or by a query. */
async function authorizationUrl(state, parameters) {
  const url = new URL(state.as.authorization_endpoint);
  if (state.pushed) {
    const response = await oauth.pushedAuthorizationRequest(state.as, state.client, state.auth, parameters, loopback);
    const pushed = await oauth.processPushedAuthorizationResponse(state.as, state.client, response);
    url.search = new URLSearchParams({ client_id: state.client.client_id, request_uri: pushed.request_uri });
    state.requestUri = pushed.request_uri;
  } else {
    url.search = new URLSearchParams({ client_id: state.client.client_id, ...parameters });
  }
  return url;
}

async function login(state, { scope, extra = {} } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const expectedState = oauth.generateRandomState();
  const url = await authorizationUrl(state, {
    response_type: 'code',
    redirect_uri: state.callback.redirectUri,
    resource: state.job.resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: expectedState,
    ...(scope ? { scope } : {}),
    ...extra,
  });
  const arrived = await state.callback.visit(url);
  const parameters = oauth.validateAuthResponse(state.as, state.client, arrived, expectedState);
  return oauth.authorizationCodeGrantRequest(
    ...[state.as, state.client, state.auth, parameters, state.callback.redirectUri, verifier],
    { ...loopback, additionalParameters: { resource: state.job.resource } },
  );
}

await run({
  /** RFC 9728, then RFC 8414: from the MCP server's address alone. */
  async discovery(state, job) {
    const about = await oauth.resourceDiscoveryRequest(new URL(job.resource), loopback);
    const resource = await oauth.processResourceDiscoveryResponse(new URL(job.resource), about);
    const issuer = new URL(resource.authorization_servers[0]);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...loopback });
    state.as = await oauth.processDiscoveryResponse(issuer, found);
    const again = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...loopback });
    const same = await oauth.processDiscoveryResponse(issuer, again);
    state.callback = await listen();
    return { metadata: state.as, alike: JSON.stringify(state.as) === JSON.stringify(same) };
  },

  /** A client that an operator registered. */
  async known(state, job) {
    const { client_secret, private_jwk, ...client } = job.client;
    state.client = client;
    state.auth = await authentication(job.client);
    return { client_id: client.client_id };
  },

  /** RFC 7591. */
  async registration(state, job) {
    const asked = { redirect_uris: [state.callback.redirectUri], ...job.registration };
    const response = await oauth.dynamicClientRegistrationRequest(state.as, asked, loopback);
    const status = response.status;
    state.client = await oauth.processDynamicClientRegistrationResponse(response);
    state.auth = oauth.None();
    return { status, client: state.client };
  },

  /** A client identifier metadata document instead of a registration: the address is the name. */
  async document(state, job) {
    state.client = { client_id: job.document };
    state.auth = await authentication(job.client ?? {});
    return { client_id: job.document };
  },

  /** RFC 9126: from here on, authorization requests are pushed. */
  async pushing(state) {
    state.pushed = true;
    return { endpoint: state.as.pushed_authorization_request_endpoint };
  },

  async login(state, job) {
    const response = await login(state, { scope: job.scope });
    const tokens = await oauth.processAuthorizationCodeResponse(state.as, state.client, response);
    const claims = await verified(state, tokens.access_token);
    return { ...redeemed(state, tokens), claims, request_uri: state.requestUri };
  },

  /** OpenID Connect Core §3.1: a nonce, an ID token that stands every check, and the claims about the person. */
  async openid(state, job) {
    const nonce = oauth.generateRandomNonce();
    const response = await login(state, { scope: job.openid_scope, extra: { nonce, max_age: '600' } });
    const expected = { expectedNonce: nonce, maxAge: 600, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(state.as, state.client, response, expected);
    await oauth.validateApplicationLevelSignature(state.as, response, loopback);
    state.idToken = oauth.getValidatedIdTokenClaims(tokens);
    return { ...redeemed(state, tokens), id_token: state.idToken };
  },

  async userinfo(state) {
    const response = await oauth.userInfoRequest(state.as, state.client, state.tokens.access_token, loopback);
    return { claims: await oauth.processUserInfoResponse(state.as, state.client, state.idToken.sub, response) };
  },

  async refresh(state, job) {
    const before = state.tokens;
    const additionalParameters = { resource: job.resource };
    const response = await oauth.refreshTokenGrantRequest(
      ...[state.as, state.client, state.auth, before.refresh_token],
      { ...loopback, additionalParameters },
    );
    const tokens = await oauth.processRefreshTokenResponse(state.as, state.client, response);
    const claims = await verified(state, tokens.access_token);
    const facts = redeemed(state, tokens);
    return { ...facts, claims, rotated: before.refresh_token !== tokens.refresh_token };
  },

  /** RFC 6749 §4.4. */
  async machine(state, job) {
    const parameters = { resource: job.resource, ...(job.scope ? { scope: job.scope } : {}) };
    const response = await oauth.clientCredentialsGrantRequest(state.as, state.client, state.auth, parameters, loopback);
    const tokens = await oauth.processClientCredentialsResponse(state.as, state.client, response);
    const claims = await verified(state, tokens.access_token);
    return { ...redeemed(state, tokens), claims };
  },

  /** RFC 7662, asked by the resource server: the access token as it is at this moment. */
  async introspection(state, job) {
    const { client_id, client_secret } = job.resource_server;
    const asker = { client_id };
    const auth = oauth.ClientSecretBasic(client_secret);
    const response = await oauth.introspectionRequest(state.as, asker, auth, state.tokens.access_token, loopback);
    return { answer: await oauth.processIntrospectionResponse(state.as, asker, response) };
  },

  /** RFC 7009: the refresh token, and with it what it stands for. */
  async revocation(state) {
    const given = state.tokens.refresh_token ?? state.tokens.access_token;
    const response = await oauth.revocationRequest(state.as, state.client, state.auth, given, loopback);
    await oauth.processRevocationResponse(response);
    return { status: response.status };
  },

  /** What is over answers as over. */
  async refusedRefresh(state, job) {
    const additionalParameters = { resource: job.resource };
    const response = await oauth.refreshTokenGrantRequest(
      ...[state.as, state.client, state.auth, state.tokens.refresh_token],
      { ...loopback, additionalParameters },
    );
    const body = await json(response);
    try {
      await oauth.processRefreshTokenResponse(state.as, state.client, response);
    } catch (error) {
      return { code: error.code, error: error.error, status: error.status };
    }
    throw new Error(`a revoked refresh token was accepted: ${Object.keys(body)}`);
  },

  /** RFC 8628: the person types the code elsewhere; the device asks until it is told. */
  async device(state, job) {
    const parameters = { resource: job.resource, ...(job.scope ? { scope: job.scope } : {}) };
    const asked = await oauth.deviceAuthorizationRequest(state.as, state.client, state.auth, parameters, loopback);
    const told = await oauth.processDeviceAuthorizationResponse(state.as, state.client, asked);
    const waited = [];
    const poll = async () => {
      const sent = { ...loopback, additionalParameters: { resource: job.resource } };
      const response = await oauth.deviceCodeGrantRequest(state.as, state.client, state.auth, told.device_code, sent);
      return oauth.processDeviceCodeResponse(state.as, state.client, response);
    };
    let tokens;
    let wait = (told.interval ?? 5) * 1000;
    for (let tries = 0; !tokens && tries < 6; tries += 1) {
      try {
        tokens = await poll();
      } catch (error) {
        if (!['authorization_pending', 'slow_down'].includes(error.error)) throw error;
        if (error.error === 'slow_down') wait += 5000;
        const { verification_uri: place, user_code: code } = told;
        if (waited.length === 0) await state.callback.errand('device', { verification_uri: place, user_code: code });
        waited.push(error.error);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    const claims = await verified(state, tokens.access_token);
    return { ...redeemed(state, tokens), claims, waited, complete: told.verification_uri_complete };
  },

  /** RFC 8693, asked by the MCP server that was called: its caller's token for a narrower one. */
  async exchange(state, job) {
    const { client_id, client_secret } = job.resource_server;
    const asker = { client_id };
    const kind = 'urn:ietf:params:oauth:token-type:access_token';
    const response = await oauth.genericTokenEndpointRequest(
      ...[state.as, asker, oauth.ClientSecretBasic(client_secret)],
      'urn:ietf:params:oauth:grant-type:token-exchange',
      { subject_token: state.tokens.access_token, subject_token_type: kind, ...job.exchange },
      loopback,
    );
    const tokens = await oauth.processGenericTokenEndpointResponse(state.as, asker, response);
    const request = new Request(job.exchange.resource, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(state.as, request, job.exchange.resource, loopback);
    return { scope: tokens.scope, issued_token_type: tokens.issued_token_type, refreshable: 'refresh_token' in tokens, claims };
  },
});
