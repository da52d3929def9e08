// Asks Google's own library for an identity token: MODULES in the words, GET /?audience=URL. It
// answers the headers with which the library would call that URL, and what it knows of itself.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/node_modules/`);
const { GoogleAuth } = require('google-auth-library');

http.createServer(async (request, response) => {
  try {
    const audience = new URL(request.url, 'http://x').searchParams.get('audience');
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
