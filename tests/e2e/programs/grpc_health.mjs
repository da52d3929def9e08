// Serves grpc.health.v1 with a library that we did not write: MODULES in the words. The service
// named "" says SERVING, "late" after 1 s, "ill" NOT_SERVING; others are not known. A call of /Say
// makes "" answer with that status from then on.
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/node_modules/`);
const grpc = require('@grpc/grpc-js');

let all = 1;
const begun = Date.now();
const status_of = service => {
  if (service === '') return all;
  if (service === 'late') return Date.now() - begun > 1000 ? 1 : 2;
  return service === 'ill' ? 2 : null;
};
const bytes = value => Buffer.from(value);
const check = {
  path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false,
  // HealthCheckRequest{service: 1}, HealthCheckResponse{status: 1}
  requestDeserialize: raw => raw.subarray(2).toString(), requestSerialize: bytes,
  responseSerialize: status => Buffer.from([8, status]), responseDeserialize: bytes,
};
const say = {
  path: '/Say', requestStream: false, responseStream: false,
  requestDeserialize: raw => Number(raw.toString()), requestSerialize: bytes,
  responseSerialize: bytes, responseDeserialize: bytes,
};

const server = new grpc.Server();
server.addService({ check, say }, {
  check: (call, done) => {
    const status = status_of(call.request);
    if (status === null) return done({ code: grpc.status.NOT_FOUND, details: 'unknown service' });
    done(null, status);
  },
  say: (call, done) => {
    all = call.request;
    done(null, `${process.pid}-${begun}`);
  },
});
server.bindAsync(`0.0.0.0:${process.env.PORT}`, grpc.ServerCredentials.createInsecure(), error => {
  if (error) throw error;
});
