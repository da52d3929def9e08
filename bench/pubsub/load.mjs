// Drives one Pub/Sub server, whichever it is, and prints what it saw as one line of JSON.
// Usage: node load.mjs MODULES_FOLDER HOST:PORT WHAT COUNT [PUSH_PORT]
import {createRequire} from 'node:module';
import http from 'node:http';
import {performance} from 'node:perf_hooks';

const [modules, address, what, countText, tag] = process.argv.slice(2);
const count = Number(countText);
const [host, port] = address.split(':');
const agent = new http.Agent({keepAlive: true, maxSockets: 64});
const data = Buffer.alloc(1024, 'x');
const encoded = data.toString('base64');
const topic = `projects/p/topics/bench-${tag}`;
const subscription = `projects/p/subscriptions/bench-${tag}`;

function rest(method, path, body) {
  const text = JSON.stringify(body ?? {});
  return new Promise((resolve, reject) => {
    const request = http.request({host, port, agent, method, path: `/v1/${path}`, headers: {
      'content-type': 'application/json', 'content-length': Buffer.byteLength(text)}}, answer => {
      const parts = [];
      answer.on('data', part => parts.push(part));
      answer.on('end', () => {
        const all = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) return resolve(all ? JSON.parse(all) : {});
        reject(new Error(`${method} ${path}: ${answer.statusCode} ${all.slice(0, 300)}`));
      });
    });
    request.on('error', reject);
    request.end(text);
  });
}

/// Runs `work(i)` for i below `total`, `width` at a time.
async function lanes(total, width, work) {
  let next = 0;
  await Promise.all(Array.from({length: width}, async () => {
    while (next < total) await work(next++);
  }));
}

async function timed(run) {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1000;
}

const quantile = (values, part) => values.sort((a, b) => a - b)[Math.floor(values.length * part)];

function grpc() {
  process.env.PUBSUB_EMULATOR_HOST = address;
  process.env.METADATA_SERVER_DETECTION = 'none';
  return createRequire(modules + '/')('@google-cloud/pubsub');
}

async function publishGrpc(batch, width) {
  const {PubSub, v1} = grpc();
  const pubsub = new PubSub({projectId: 'p'});
  await pubsub.getTopics();  // resolves the emulator's address
  const client = new v1.PublisherClient(pubsub.options);
  const messages = Array.from({length: batch}, () => ({data}));
  await client.publish({topic, messages});
  const seconds = await timed(() => lanes(count / batch, width, () =>
      client.publish({topic, messages})));
  await client.close();
  return {rate: count / seconds};
}

async function publishRest(batch, width) {
  const messages = Array.from({length: batch}, () => ({data: encoded}));
  const path = `${topic}:publish`;
  await rest('POST', path, {messages});
  const seconds = await timed(() => lanes(count / batch, width, () =>
      rest('POST', path, {messages})));
  return {rate: count / seconds};
}

const runs = {
  async make() {
    await rest('PUT', topic);
    await rest('PUT', subscription, {topic, ackDeadlineSeconds: 600});
    return {};
  },
  // A subscription that nobody reads would keep all: the publishes' own is taken away before.
  async lone() {
    await rest('PUT', topic);
    return {};
  },
  restSingle: () => publishRest(1, 16),
  restHundred: () => publishRest(100, 8),
  grpcSingle: () => publishGrpc(1, 16),
  grpcHundred: () => publishGrpc(100, 8),

  async streamLatency() {
    const {PubSub} = grpc();
    const pubsub = new PubSub({projectId: 'p'});
    const publisher = pubsub.topic(topic, {batching: {maxMessages: 1}});
    const reader = pubsub.subscription(subscription);
    const times = [];
    let arrived;
    reader.on('message', message => {
      message.ack();
      arrived?.(performance.now());
    });
    for (let i = -20; i < count; ++i) {  // the first ones warm up
      const arrival = new Promise(resolve => { arrived = resolve; });
      const sent = performance.now();
      await publisher.publishMessage({data});
      const took = await arrival - sent;
      if (i >= 0) times.push(took);
    }
    await reader.close();
    await pubsub.close();
    return {p50: quantile(times, 0.5), p99: quantile(times, 0.99)};
  },

  async pullLatency() {
    const times = [];
    for (let i = -10; i < count; ++i) {
      const waiting = rest('POST', `${subscription}:pull`, {maxMessages: 1});
      await rest('GET', subscription);  // the pull is there by now
      const sent = performance.now();
      await rest('POST', `${topic}:publish`, {messages: [{data: encoded}]});
      let got = await waiting;
      while (!got.receivedMessages) {
        got = await rest('POST', `${subscription}:pull`, {maxMessages: 1});
      }
      if (i >= 0) times.push(performance.now() - sent);
      await rest('POST', `${subscription}:acknowledge`,
                 {ackIds: got.receivedMessages.map(each => each.ackId)});
    }
    return {p50: quantile(times, 0.5), p99: quantile(times, 0.99)};
  },

  // Publishes first, then lets the server push all of it to a sink.
  async push() {
    let seen = 0, first, finish;
    const done = new Promise(resolve => { finish = resolve; });
    const sink = http.createServer((request, answer) => {
      request.resume();
      request.on('end', () => {
        first ??= performance.now();
        answer.writeHead(204).end();
        if (++seen === count) finish(performance.now());
      });
    });
    await new Promise(resolve => sink.listen(0, '127.0.0.1', resolve));
    await rest('PUT', topic);
    await rest('PUT', subscription, {topic});
    const messages = Array.from({length: 100}, () => ({data: encoded}));
    await lanes(count / 100, 4, () => rest('POST', `${topic}:publish`, {messages}));
    await rest('POST', `${subscription}:modifyPushConfig`,
               {pushConfig: {pushEndpoint: `http://127.0.0.1:${sink.address().port}/`}});
    const end = await done;
    await rest('DELETE', subscription);
    sink.close();
    sink.closeAllConnections();
    return {rate: count / ((end - first) / 1000)};
  },

  async drop() {
    await rest('DELETE', subscription).catch(() => {});
    await rest('DELETE', topic).catch(() => {});
    return {};
  },
};

const usage = process.cpuUsage();
const seen = await runs[what]();
const {user, system} = process.cpuUsage(usage);
agent.destroy();
console.log(JSON.stringify({...seen, clientCpu: (user + system) / 1e6}));
process.exit(0);
