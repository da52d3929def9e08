// An instance that serves gRPC with a library that we did not write: MODULES in the words. Messages
// are text; each kind of call says back what it got.
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/node_modules/`);
const grpc = require('@grpc/grpc-js');

const text = { serialize: value => Buffer.from(value), deserialize: bytes => bytes.toString() };
const method = (name, requestStream, responseStream) => ({
  path: `/echo.Echo/${name}`, requestStream, responseStream,
  requestSerialize: text.serialize, requestDeserialize: text.deserialize,
  responseSerialize: text.serialize, responseDeserialize: text.deserialize,
});
export const service = {
  unary: method('Unary', false, false), gather: method('Gather', true, false),
  scatter: method('Scatter', false, true), talk: method('Talk', true, true),
  fail: method('Fail', false, false), late: method('Late', false, false),
  lates: method('Lates', false, false),
};

// Calls that were ended while they waited, with the seconds that they had left at the start.
const late = [];
const server = new grpc.Server();
server.addService(service, {
  unary: (call, done) => {
    const trailers = new grpc.Metadata();
    trailers.set('x-seen', call.metadata.get('x-sent')[0] ?? 'nothing');
    done(null, `<${call.request}>`, trailers);
  },
  gather: (call, done) => {
    const all = [];
    call.on('data', message => all.push(message));
    call.on('end', () => done(null, all.join('+')));
  },
  scatter: call => {
    for (const word of call.request.split(' ')) call.write(word);
    call.end();
  },
  talk: call => {
    call.on('data', message => call.write(message.toUpperCase()));
    call.on('end', () => call.end());
  },
  late: call => {
    const left = (call.getDeadline() - Date.now()) / 1000;
    call.on('cancelled', () => late.push(left > 0 && left < 60));
  },
  lates: (call, done) => done(null, JSON.stringify(late)),
  fail: (call, done) => done({ code: grpc.status.NOT_FOUND, details: `no "${call.request}" é` }),
});
server.bindAsync(`0.0.0.0:${process.env.PORT}`, grpc.ServerCredentials.createInsecure(), error => {
  if (error) throw error;
});
