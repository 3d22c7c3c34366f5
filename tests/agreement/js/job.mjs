// What every script here shares: a job arrives as one line of JSON on stdin, what happens is told as lines of JSON on stdout.
//
// {"visit": URL}            somebody has to go there with a browser; the script waits meanwhile
// {"do": NAME, "done": URL}  somebody has to do that, and go to that address when it is done
// {"step": NAME, ...facts}  a step held, and what it found
// {"failed": NAME, ...}     a step did not hold; nothing follows

import { createServer } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

/** The application's own listener on a loopback port, as native applications have it (RFC 8252 §7.3). */
export async function listen() {
  const arrivals = [];
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    response.end('You can close this page.');
    const url = new URL(request.url, `http://${request.headers.host}`);
    if (url.pathname === '/callback') server.emit('arrival', url);
  });
  server.on('arrival', (url) => arrivals.push(url));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirectUri = `http://127.0.0.1:${server.address().port}/callback`;
  const arrival = async () => {
    if (arrivals.length === 0) await once(server, 'arrival');
    return arrivals.shift();
  };
  return {
    redirectUri,
    /** Send somebody to `url` and return where the application was called back. */
    async visit(url) {
      say({ visit: String(url) });
      return arrival();
    },
    /** Ask somebody to do something, and return when it is done. */
    async errand(name, facts = {}) {
      say({ do: name, done: redirectUri, ...facts });
      await arrival();
    },
    close() {
      server.close();
    },
  };
}

/** Run the steps that the job names, in its order; they share `state`. */
export async function run(steps) {
  const job = JSON.parse(await text(process.stdin));
  const state = { job };
  let name = 'start';
  try {
    for (name of job.steps) {
      const facts = await steps[name](state, job);
      say({ step: name, ...facts });
    }
  } catch (error) {
    const { message, code, error: oauth, error_description: description, status, cause } = error;
    const body = cause?.body ?? cause?.parameters?.toString();
    say({ failed: name, message, code, oauth, description, status, body, stack: error.stack });
    process.exitCode = 1;
  } finally {
    state.callback?.close();
    for (const end of state.ends ?? []) await end();
  }
}
