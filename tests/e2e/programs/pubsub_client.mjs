// Google's Pub/Sub library against a running platform: runs the named scenario and prints what it
// saw as one line of JSON. PUBSUB_EMULATOR_HOST names the platform.
// Usage: node pubsub_client.mjs MODULES_FOLDER SCENARIO
import assert from 'node:assert';
import {createRequire} from 'node:module';

const [modules, scenario] = process.argv.slice(2);
const {PubSub, v1} = createRequire(modules + '/')('@google-cloud/pubsub');
const pubsub = new PubSub({projectId: 'p'});

const text = message => message.data.toString();

async function make(settings = {}, name = 'reader') {
  const [topic] = await pubsub.topic('news').get({autoCreate: true});
  const [subscription] = await topic.createSubscription(name, settings);
  return {topic, subscription};
}

/// Calls `handle` for each message until `wanted` of its answers were true; then closes.
function listen(subscription, wanted, handle) {
  return new Promise((resolve, reject) => {
    let seen = 0;
    subscription.on('error', reject);
    subscription.on('message', async message => {
      try {
        if (await handle(message) && ++seen === wanted) {
          await subscription.close();
          resolve();
        }
      } catch (fault) {
        reject(fault);
      }
    });
  });
}

const scenarios = {
  /// The codes of all that a client may ask about schemas.
  async schemas() {
    const client = new v1.SchemaServiceClient(await pubsub.getClientConfig());
    const name = 'projects/p/schemas/s';
    const parent = 'projects/p';
    const schema = {name, type: 'AVRO', definition: '{}'};
    const told = {};
    for (const [method, request] of Object.entries({
      createSchema: {parent, schema, schemaId: 's'}, getSchema: {name}, deleteSchema: {name},
      commitSchema: {name, schema}, rollbackSchema: {name, revisionId: '1'},
      listSchemaRevisions: {name}, deleteSchemaRevision: {name},
      validateSchema: {parent, schema}, validateMessage: {parent, name, message: Buffer.from('x')},
    })) {
      told[method] = await client[method](request).then(
          () => 'not refused', fault => `${fault.code} ${fault.details.split(';')[0]}`);
    }
    const listed = [];
    for await (const each of pubsub.listSchemas()) listed.push(each.name);
    const topic = await pubsub.createTopic(
        {name: 'checked', schemaSettings: {schema: name, encoding: 'JSON'}})
        .then(() => 'not refused', fault => `${fault.code} ${fault.details}`);
    return {told: [...new Set(Object.values(told))], listed, topic};
  },

  async administration() {
    const {topic, subscription} = await make({ackDeadlineSeconds: 20, labels: {a: 'b'}});
    assert.equal((await topic.exists())[0], true);
    assert.equal((await pubsub.topic('none').exists())[0], false);
    await assert.rejects(pubsub.createTopic('news'), fault => fault.code === 6);
    await assert.rejects(pubsub.topic('none').getMetadata(), fault => fault.code === 5);
    await assert.rejects(topic.createSubscription('odd', {filter: 'attributes.a = b'}),
                         fault => fault.code === 3 && /character 16/.test(fault.message));
    await subscription.setMetadata({ackDeadlineSeconds: 30, labels: {c: 'd'}});
    const [changed] = await subscription.getMetadata();
    assert.equal(changed.ackDeadlineSeconds, 30);
    assert.deepEqual(changed.labels, {c: 'd'});
    await topic.setMetadata({labels: {kind: 'news'}});
    const [topics] = await pubsub.getTopics();
    const [subscriptions] = await topic.getSubscriptions();
    await topic.iam.setPolicy({bindings: [{role: 'roles/viewer', members: ['allUsers']}]});
    const [policy] = await topic.iam.getPolicy();
    assert.equal(policy.bindings[0].role, 'roles/viewer');
    await assert.rejects(pubsub.createSchema('s', 'AVRO', '{}'),
                         fault => fault.code === 12 && /schemas/.test(fault.message));
    await subscription.delete();
    await topic.delete();
    return {topics: topics.map(t => t.name), subscriptions: subscriptions.map(s => s.name),
            left: (await pubsub.getTopics())[0].length};
  },

  async batches() {
    const {topic, subscription} = await make();
    const publisher = pubsub.topic('news', {batching: {maxMessages: 100, maxMilliseconds: 50}});
    const ids = await Promise.all(Array.from({length: 1000}, (_, i) => publisher.publishMessage(
        {data: Buffer.from(`m${i}`), attributes: {i: `${i}`}})));
    const got = new Set();
    await listen(subscription, 1000, message => {
      assert.equal(text(message), `m${message.attributes.i}`);
      message.ack();
      const isNew = !got.has(message.id);
      got.add(message.id);
      return isNew;
    });
    assert.deepEqual([...got].sort(), [...ids].sort());
    return {got: got.size};
  },

  async order() {
    const {topic, subscription} = await make({enableMessageOrdering: true});
    const publisher = pubsub.topic('news', {messageOrdering: true});
    const keys = ['a', 'b', 'c'];
    await Promise.all(Array.from({length: 300}, (_, i) => publisher.publishMessage(
        {data: Buffer.from(`${i}`), orderingKey: keys[i % 3]})));
    const seen = {a: [], b: [], c: []};  // the first time that each came
    const acked = new Set();
    let nacked, again = 0;
    await listen(subscription, 300, message => {
      const list = seen[message.orderingKey];
      const number = Number(text(message));
      if (!list.includes(number)) list.push(number);
      if (number === nacked) ++again;
      if (nacked === undefined && list.length === 20) {
        nacked = number;
        message.nack();
        return false;
      }
      message.ack();
      const isNew = !acked.has(number);
      acked.add(number);
      return isNew;
    });
    for (const list of Object.values(seen)) {
      assert.deepEqual(list, [...list].sort((x, y) => x - y));
    }
    return {again: again > 0, each: Object.values(seen).map(list => list.length)};
  },

  async exactlyOnce() {
    const {topic, subscription} = await make({enableExactlyOnceDelivery: true});
    for (let i = 0; i < 50; ++i) topic.publishMessage({data: Buffer.from(`${i}`)});
    const got = [];
    const answers = new Set();
    const ackIds = [];
    await listen(subscription, 50, async message => {
      got.push(text(message));
      ackIds.push(message.ackId);
      answers.add(await message.ackWithResponse());
      return true;
    });
    // A second time it has no effect, and the client is told so.
    const client = new v1.SubscriberClient(pubsub.options);
    const late = await client
        .acknowledge({subscription: subscription.name, ackIds: [ackIds[0]]})
        .catch(fault => ({code: fault.code, reason: fault.reason, ids: fault.errorInfoMetadata}));
    await client.close();
    return {got: got.length, once: new Set(got).size, answers: [...answers], code: late.code,
            reason: late.ids?.[ackIds[0]]};
  },

  async deadLetters() {
    await pubsub.createTopic('dead');
    const [grave] = await pubsub.topic('dead').createSubscription('grave');
    const {topic, subscription} = await make({
      deadLetterPolicy: {deadLetterTopic: 'projects/p/topics/dead', maxDeliveryAttempts: 5}});
    await topic.publishMessage({data: Buffer.from('poison'), attributes: {a: 'b'}});
    const attempts = [];
    subscription.on('message', message => {
      attempts.push(message.deliveryAttempt);
      message.nack();
    });
    let found;
    await listen(grave, 1, message => {
      found = {text: text(message), ...message.attributes};
      message.ack();
      return true;
    });
    await subscription.close();
    return {attempts, found};
  },

  async flowControl() {
    const {topic} = await make();
    await Promise.all(Array.from({length: 40}, () => topic.publishMessage(
        {data: Buffer.from('x')})));
    const slow = pubsub.subscription('reader', {
      flowControl: {maxMessages: 4}, streamingOptions: {maxStreams: 1}});
    let held = 0, most = 0;
    await listen(slow, 40, async message => {
      most = Math.max(most, ++held);
      await new Promise(resolve => setImmediate(resolve));
      --held;
      message.ack();
      return true;
    });
    return {most};
  },

  async nack() {
    const {topic, subscription} = await make();
    await topic.publishMessage({data: Buffer.from('again')});
    const ids = [];
    await listen(subscription, 3, message => {
      ids.push(message.id);
      ids.length < 3 ? message.nack() : message.ack();
      return true;
    });
    return {times: ids.length, messages: new Set(ids).size};
  },

  async seek() {
    const {topic, subscription} = await make({retainAckedMessages: true});
    await subscription.createSnapshot('before');
    await topic.publishMessage({data: Buffer.from('one')});
    const got = [];
    const take = async () => {
      const listener = pubsub.subscription('reader');
      await listen(listener, 1, message => {
        got.push(text(message));
        message.ack();
        return true;
      });
    };
    await take();
    await subscription.seek('before');
    await take();
    await subscription.seek(new Date(Date.now() - 3600 * 1000));
    await take();
    const [snapshots] = await pubsub.getSnapshots();
    await pubsub.snapshot('before').delete();
    return {got, snapshots: snapshots.map(s => s.name)};
  },
};

const result = await scenarios[scenario]();
await pubsub.close();
console.log(JSON.stringify(result));
