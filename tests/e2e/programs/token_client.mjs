// Google's auth library exchanges a key file of the platform for tokens. It asks Google's own address
// whatever the key file says; here those requests go where the file's token_uri says.
// Prints one line of JSON of what it got.
// Usage: node token_client.mjs MODULES_FOLDER KEY_FILE AUDIENCE
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const [modules, keyFile, audience] = process.argv.slice(2);
const require = createRequire(modules + '/');
const {JWT} = require('google-auth-library');
const key = JSON.parse(readFileSync(keyFile, 'utf8'));

function client(email) {
  const made = new JWT({email, key: key.private_key, keyId: key.private_key_id,
                        scopes: ['https://www.googleapis.com/auth/cloud-platform']});
  made.transporter.interceptors.request.add({resolved: async config => {
    if (new URL(config.url).hostname === 'oauth2.googleapis.com') {
      config.url = new URL(key.token_uri);
    }
    return config;
  }});
  return made;
}

const own = client(key.client_email);
const {token} = await own.getAccessToken();
const idToken = await own.fetchIdToken(audience);
const refused = await client('nobody@thaw.iam.gserviceaccount.com').getAccessToken()
    .then(() => 'not refused', error => error.message);
console.log(JSON.stringify({
  accessToken: token, idToken, lasts: own.credentials.expiry_date - Date.now(), refused,
}));
