// Google's Cloud Run library for jobs, over REST; prints one line of JSON of what it saw.
// Usage: node jobs_client.mjs MODULES_FOLDER HOST:PORT COMMAND ARGUMENT...
import assert from 'node:assert';
import {createRequire} from 'node:module';

const [modules, address, command, ...args] = process.argv.slice(2);
const load = createRequire(modules + '/');
const {v2} = load('@google-cloud/run');
const {PassThroughClient} = load('google-auth-library');
const [apiEndpoint, port] = address.split(':');
const options = {apiEndpoint, port: Number(port), protocol: 'http', fallback: true,
                 authClient: new PassThroughClient()};
const client = new v2.JobsClient(options);
const executions = new v2.ExecutionsClient(options);
const tasks = new v2.TasksClient(options);
const parent = 'projects/p/locations/local';

const job = {
  labels: {team: 'a'},
  template: {taskCount: 3, parallelism: 2, template: {
    maxRetries: 0, timeout: {seconds: 120},
    containers: [{image: 'thaw.local/host', command: [command], args,
                  env: [{name: 'WORD', value: 'one'}]}]}}};
const [created] = await client.createJob({parent, jobId: 'work', job});
const [made] = await created.promise();
assert.equal(made.name, `${parent}/jobs/work`);
assert.equal(made.template.taskCount, 3);
assert.equal(made.template.template.timeout.seconds, '120');
await assert.rejects(client.createJob({parent, jobId: 'work', job}), fault => fault.code === 409);
await assert.rejects(client.getJob({name: `${parent}/jobs/none`}), fault => fault.code === 404);

const [running] = await client.runJob({name: made.name, overrides: {
  taskCount: 2, containerOverrides: [{env: [{name: 'WORD', value: 'two'}]}]}});
const [execution] = await running.promise();
assert.equal(execution.succeededCount, 2);
assert.equal(execution.taskCount, 2);
const [listed] = await executions.listExecutions({parent: made.name});
assert.deepEqual(listed.map(each => each.name), [execution.name]);
const [parts] = await tasks.listTasks({parent: execution.name});
assert.deepEqual(parts.map(part => part.index), [0, 1]);
const [part] = await tasks.getTask({name: parts[1].name});
assert.equal(part.execution, execution.name);

const [jobs] = await client.listJobs({parent});
assert.equal(jobs.length, 1);
assert.equal(jobs[0].latestCreatedExecution.name, execution.name);
const changed = {...made, template: {...made.template, taskCount: 1}};
const [updated] = await (await client.updateJob({job: changed}))[0].promise();
assert.equal(updated.template.taskCount, 1);
assert.equal(updated.generation, '2');

const failing = {template: {template: {
  maxRetries: 0, containers: [{image: 'thaw.local/host', command: ['/bin/false']}]}}};
await (await client.createJob({parent, jobId: 'fails', job: failing}))[0].promise();
const [failed] = await client.runJob({name: `${parent}/jobs/fails`});
const fault = await failed.promise().catch(error => error);
assert.match(fault.message, /exit/);

await (await client.deleteJob({name: made.name}))[0].promise();
await (await client.deleteJob({name: `${parent}/jobs/fails`}))[0].promise();
console.log(JSON.stringify({left: (await client.listJobs({parent}))[0].length}));
