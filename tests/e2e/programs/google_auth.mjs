// Asks Google's own library for tokens: MODULES in the words. GET /?audience=URL answers the headers
// with which the library would call that URL, and what it knows of itself; GET /?times=N asks it for
// its access token so often and answers how many requests that made.
import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/node_modules/`);
const { GoogleAuth } = require('google-auth-library');

// The library's requests, whether it makes them by node:http or by fetch().
let fetches = 0;
const count = ({ request }) => { fetches += request.path.includes('/token') ? 1 : 0; };
diagnostics.subscribe('http.client.request.start', count);
diagnostics.subscribe('undici:request:create', count);

async function askForAccess(times) {
  const client = await new GoogleAuth().getClient();
  const tokens = new Set();
  for (let i = 0; i < times; ++i) tokens.add((await client.getAccessToken()).token);
  return { fetches, tokens: tokens.size };
}

http.createServer(async (request, response) => {
  try {
    const query = new URL(request.url, 'http://x').searchParams;
    if (query.has('times')) {
      response.end(JSON.stringify(await askForAccess(Number(query.get('times')))));
      return;
    }
    const audience = query.get('audience');
    const auth = new GoogleAuth();
    const client = await auth.getIdTokenClient(audience);
    const headers = await client.getRequestHeaders(audience);
    response.end(JSON.stringify({
      authorization: headers.get ? headers.get('authorization') : headers.Authorization,
      project: await auth.getProjectId(),
      account: (await auth.getCredentials()).client_email,
    }));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error.stack));
  }
}).listen(process.env.PORT, '0.0.0.0');
