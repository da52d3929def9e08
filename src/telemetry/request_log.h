// RequestLog: a line for each request in its service's log, written off the requests' path.
//
// A request costs a copy into memory; a worker makes the lines and writes them, a tenth of a second
// later or when half of the room is used, into files beside the service's log (docs/formats/
// logs.md). Logs::read() shows both in order of time.
//
// **Thread**: the loop's; files are the worker's. **Owner**: what it is made of outlives it, and
// the worker ends its jobs before.
// **Limits**: Options::room: what comes while it is full is dropped and counted, and so is what the
// disk does not take. Two files of Options::largest_file a service.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "io/disk.h"
#include "io/timers.h"
#include "io/worker.h"
#include "telemetry/logs.h"
#include "telemetry/request_batch.h"

namespace thaw::telemetry {

class RequestLog {
 public:
  struct Options {
    double share = 1;  // 0 to 1, of requests that are logged: is_logged()
    ByteCount largest_file = mib(10);
    Duration delay = milliseconds(100);
    RequestBatch::Limits room = {};
  };
  RequestLog(io::Timers& timers, io::Worker& worker, io::Disk& disk, Logs& logs, Options options);
  ~RequestLog();

  void add(const RequestRecord& record);
  /// Calls back, in a later turn unless the worker has too much to do, once all that was added
  /// before is on disk or lost.
  void when_written(std::function<void()> done);
  /// A service's log with its requests, read by the worker; what came before is in it.
  void read(const ServiceId& service, const LogFilter& filter,
            std::function<void(std::vector<LogLine>)> done);
  uint64_t dropped() const { return dropped_; }

 private:
  struct Shared;
  void write();
  void written();

  io::Timers& timers_;
  io::Worker& worker_;
  Logs& logs_;
  Options options_;
  std::shared_ptr<Shared> shared_;               // with jobs that may outlive this
  RequestBatch batch_;                           // filled now
  bool busy_ = false;                            // the batch before is being written
  std::vector<std::function<void()>> waiting_;   // for batch_
  std::vector<std::function<void()>> in_write_;  // for the batch before
  io::Timer timer_;
  uint64_t dropped_ = 0;
};

}  // namespace thaw::telemetry
