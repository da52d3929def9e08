// Google's storage library moves files of all sizes, whole and in ranges, joined and announced.
// Prints the sizes that came back whole as one line of JSON.
// Usage: node storage_sizes.mjs MODULES_FOLDER API_URL WORK_FOLDER
import assert from 'node:assert';
import {createHash, randomBytes} from 'node:crypto';
import {appendFileSync, createReadStream, statSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {pipeline} from 'node:stream/promises';

const [modules, apiEndpoint, work] = process.argv.slice(2);
const {Storage} = createRequire(modules + '/')('@google-cloud/storage');
const storage = new Storage({apiEndpoint, projectId: 'p'});
const bucket = storage.bucket('sizes');
await bucket.create();
await bucket.createNotification('projects/p/topics/arrivals', {
  eventTypes: ['OBJECT_FINALIZE'], objectNamePrefix: 'file-', customAttributes: {made: 'here'}});

const digest = async stream => {
  const hash = createHash('sha256');
  await pipeline(stream, hash);
  return hash.digest('hex');
};

const sizes = {0: {}, 1024: {}, [20 << 20]: {chunkSize: 8 << 20}, [300 << 20]: {}};
const whole = [];
for (const [text, options] of Object.entries(sizes)) {
  const size = Number(text);
  const path = `${work}/file-${size}`;
  writeFileSync(path, '');
  for (let left = size; left > 0; left -= 16 << 20) {
    appendFileSync(path, randomBytes(Math.min(left, 16 << 20)));
  }
  // The library compares the checksum that it computed with the platform's, both ways.
  await bucket.upload(path, {resumable: true, validation: 'crc32c', ...options});
  const file = bucket.file(`file-${size}`);
  await file.download({destination: `${path}.back`, validation: 'crc32c'});
  assert.equal(statSync(`${path}.back`).size, size);
  const wanted = await digest(createReadStream(path));
  assert.equal(await digest(createReadStream(`${path}.back`)), wanted);
  whole.push(size);
  for (let i = 0; i < 5 && size > 0; ++i) {
    const start = Math.floor(Math.random() * size);
    const end = Math.min(size - 1, start + Math.floor(Math.random() * 100_000));
    assert.equal(await digest(file.createReadStream({start, end, validation: false})),
                 await digest(createReadStream(path, {start, end})), `${start}-${end} of ${size}`);
  }
}
await bucket.combine(['file-1024', 'file-0', `file-${20 << 20}`], 'joined');
const [joined] = await bucket.file('joined').getMetadata();
assert.equal(Number(joined.size), 1024 + (20 << 20));
assert.equal(joined.componentCount, 3);
const hash = createHash('sha256');
for (const size of [1024, 20 << 20]) {
  for await (const piece of createReadStream(`${work}/file-${size}`)) hash.update(piece);
}
assert.equal(await digest(bucket.file('joined').createReadStream()), hash.digest('hex'));
console.log(JSON.stringify(whole));
