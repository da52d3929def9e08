// Google's storage library makes signed URLs with a key file of the platform; plain HTTP uses them.
// Prints one line of JSON of what it saw.
// Usage: node signed_url_client.mjs MODULES_FOLDER API_URL KEY_FILE
import assert from 'node:assert';
import http from 'node:http';
import {createRequire} from 'node:module';

const [modules, apiEndpoint, keyFilename] = process.argv.slice(2);
const {Storage} = createRequire(modules + '/')('@google-cloud/storage');
const storage = new Storage({apiEndpoint, projectId: 'thaw', keyFilename});
const api = new URL(apiEndpoint);
const bucket = storage.bucket('signed-bucket');
await bucket.create();
const file = bucket.file('dir/a name & more?.txt');
const soon = () => Date.now() + 60_000;

/// {status, headers, text} of a request to the platform, whatever host the URL names.
function send(method, url, {headers = {}, body = ''} = {}) {
  const to = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request(
        {host: api.hostname, port: api.port, method, path: to.pathname + to.search,
         headers: {host: to.host, 'content-length': Buffer.byteLength(body), ...headers}},
        answer => {
          let text = '';
          answer.on('data', piece => text += piece);
          answer.on('end', () => resolve({status: answer.statusCode, headers: answer.headers,
                                          text}));
        });
    request.on('error', reject);
    request.end(body);
  });
}

const statuses = {};
for (const version of ['v4', 'v2']) {
  const sign = config => file.getSignedUrl({version, expires: soon(), ...config})
                             .then(([url]) => url);
  const put = await sign({action: 'write', contentType: 'text/plain',
                          extensionHeaders: {'x-goog-meta-by': 'me'}});
  const good = {'content-type': 'text/plain', 'x-goog-meta-by': 'me'};
  const wrong = await send('PUT', put, {headers: {...good, 'x-goog-meta-by': 'you'}, body: 'no'});
  const stored = await send('PUT', put, {headers: good, body: `by ${version}`});
  const read = await send('GET', await sign({action: 'read'}));
  assert.equal(read.text, `by ${version}`);
  const named = await send('GET', await sign({action: 'read', responseDisposition: 'attachment'}));
  assert.equal(named.headers['content-disposition'], 'attachment');
  const begun = await send('POST', await sign({
    action: 'resumable', contentType: 'text/x'}), {
    headers: {'x-goog-resumable': 'start', 'content-type': 'text/x'}});
  const going = await send('PUT', begun.headers.location, {body: 'resumed'});
  assert.equal((await file.download())[0].toString(), 'resumed');
  assert.equal((await file.getMetadata())[0].contentType, 'text/x');
  const deleted = await send('DELETE', await sign({action: 'delete'}));
  const gone = await send('GET', await sign({action: 'read'}));
  assert.match(gone.text, /<Code>NoSuchKey<\/Code>/);
  statuses[version] = [wrong, stored, read, begun, going, deleted, gone].map(each => each.status);
}

// In the host's name instead of the path.
await bucket.file('b').save('virtual');
const [virtual] = await bucket.file('b').getSignedUrl(
    {version: 'v4', action: 'read', expires: soon(), virtualHostedStyle: true});
assert.equal(new URL(virtual).host, 'signed-bucket.storage.googleapis.com');
assert.equal((await send('GET', virtual)).text, 'virtual');
const [local] = await bucket.file('b').getSignedUrl(
    {version: 'v4', action: 'read', expires: soon(),
     cname: `http://signed-bucket.storage.localhost:${api.port}`});
assert.equal((await send('GET', local)).text, 'virtual');
const moved = new URL(virtual);
moved.host = 'other-bucket.storage.googleapis.com';
const elsewhere = await send('GET', moved.href);

const [url] = await bucket.file('b').getSignedUrl(
    {version: 'v4', action: 'read', expires: soon(), queryParams: {generation: ''}});
const refusals = {};
const code = answer => `${answer.status} ${/<Code>(.*)<\/Code>/.exec(answer.text)?.[1]}`;
const changed = (name, value) => {
  const other = new URL(url);
  other.searchParams.set(name, value);
  return other.href;
};
refusals.host = code(elsewhere);
refusals.path = code(await send('GET', url.replace('/b?', '/c?')));
refusals.method = code(await send('PUT', url, {body: 'x'}));
refusals.query = code(await send('GET', url + '&x=y'));
refusals.signature = code(await send('GET', changed('X-Goog-Signature', '00'.repeat(256))));
refusals.longer = code(await send('GET', changed('X-Goog-Expires', '604800')));
refusals.tooLong = code(await send('GET', changed('X-Goog-Expires', '604801')));
refusals.header = code(await send('GET', url, {headers: {'x-goog-acl': 'private'}}));
assert.equal((await bucket.file('b').download())[0].toString(), 'virtual');

const [past] = await bucket.file('b').getSignedUrl(
    {version: 'v4', action: 'read', accessibleAt: Date.now() - 120_000,
     expires: Date.now() + 1000});
for (;;) {
  const answer = await send('GET', past);
  if (answer.status === 200) {
    await new Promise(resolve => setTimeout(resolve, 50));
    continue;
  }
  refusals.expired = code(answer);
  break;
}
console.log(JSON.stringify({statuses, refusals}));
