// A collector: takes OTLP over HTTP and decodes it with OpenTelemetry's own definitions. MODULES in
// the words; prints its port, then each request it takes as one line of JSON. The first answers are
// the statuses in the words that follow, such as 503 429.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const [modules, ...statuses] = process.argv.slice(2);
const require = createRequire(`${modules}/node_modules/`);
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root.js');
const { ExportTraceServiceRequest } = opentelemetry.proto.collector.trace.v1;

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', piece => pieces.push(piece));
  request.on('end', () => {
    const message = ExportTraceServiceRequest.decode(Buffer.concat(pieces));
    const fault = ExportTraceServiceRequest.verify(message);
    const status = Number(statuses.shift() ?? 200);
    console.log(JSON.stringify({
      status, fault, path: request.url, headers: request.headers,
      body: ExportTraceServiceRequest.toObject(message, { longs: String, bytes: String }) }));
    response.writeHead(status, status === 429 ? { 'retry-after': '0' } : {});
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
