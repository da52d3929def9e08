// Google's storage library against a running platform; prints one line of JSON of what it saw.
// Usage: node storage_client.mjs MODULES_FOLDER API_URL
import assert from 'node:assert';
import {randomBytes} from 'node:crypto';
import {createRequire} from 'node:module';

const [modules, apiEndpoint] = process.argv.slice(2);
const {Storage} = createRequire(modules + '/')('@google-cloud/storage');
const storage = new Storage({apiEndpoint, projectId: 'p'});
const bucket = storage.bucket('node-bucket');
await bucket.create();

// Resumable is the library's default, also for 11 bytes.
await bucket.file('a.txt').save('hello world');
assert.equal((await bucket.file('a.txt').download())[0].toString(), 'hello world');
await bucket.file('m.txt').save('multi', {
  resumable: false, metadata: {contentType: 'text/x', metadata: {k: 'v'}}});
const [metadata] = await bucket.file('m.txt').getMetadata();
assert.equal(metadata.contentType, 'text/x');
assert.deepEqual(metadata.metadata, {k: 'v'});
const big = randomBytes(20 << 20);
await bucket.file('big').save(big, {chunkSize: 8 << 20});
assert((await bucket.file('big').download())[0].equals(big));
await bucket.file('empty').save('');
assert.equal((await bucket.file('empty').download())[0].length, 0);

await bucket.file('a.txt').copy(bucket.file('dir/c.txt'));
await bucket.file('dir/c.txt').move('dir/d.txt');
await bucket.combine(['a.txt', 'm.txt'], 'both');
assert.equal((await bucket.file('both').download())[0].toString(), 'hello worldmulti');
const [files, , page] = await bucket.getFiles({delimiter: '/', autoPaginate: false});
assert.deepEqual(page.prefixes, ['dir/']);
assert.deepEqual(files.map(f => f.name), ['a.txt', 'big', 'both', 'empty', 'm.txt']);
const [paged] = await bucket.getFiles({maxResults: 2});
assert.equal(paged.length, 2);

await assert.rejects(
    bucket.file('a.txt').save('x', {preconditionOpts: {ifGenerationMatch: 0}}),
    error => error.code === 412);
await assert.rejects(bucket.file('none').download(), error => error.code === 404);
await assert.rejects(storage.bucket('node-bucket').create(), error => error.code === 409);
await bucket.file('a.txt').setMetadata({metadata: {x: '1'}});
assert.equal((await bucket.file('a.txt').getMetadata())[0].metadata.x, '1');

const pieces = [];
for await (const piece of bucket.file('big').createReadStream({start: 5, end: 9})) {
  pieces.push(piece);
}
assert(Buffer.concat(pieces).equals(big.subarray(5, 10)));

const [notification] = await bucket.createNotification('projects/p/topics/top');
assert.equal((await bucket.getNotifications())[0].length, 1);
await notification.delete();
await bucket.setMetadata({versioning: {enabled: true}});
await bucket.file('a.txt').save('second');
const [versions] = await bucket.getFiles({versions: true, prefix: 'a.txt'});
assert.equal(versions.length, 2);
await bucket.deleteFiles({versions: true});
await bucket.delete();
console.log(JSON.stringify({versions: versions.length, files: paged.length}));
