// Logs: the log of each service, on disk and to who follows it.
//
// One file of JSON lines per service (docs/formats/logs.md), written as the lines come and not
// synced: what an instance printed is kept over a crash of the program, not over power loss. The
// file of its requests beside it is RequestLog's; reading shows both.
//
// **Thread**: the loop's; a write is one write(2) to the page cache. read() and path(): any.
// **Owner**: disk outlives it; it outlives its subscriptions.
// **Limits**: two files of Options::largest_file a service: the older lines are dropped. A disk
// that takes no more costs lines, counted by dropped().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "io/disk.h"
#include "telemetry/log_line.h"

namespace thaw::telemetry {

/// Following a log; dropping it ends that.
class LogSubscription {
 public:
  virtual ~LogSubscription() = default;
};

struct LogFilter {
  size_t tail = 100;  // the newest so many of those that match
  std::optional<WallTime> since;
  std::string lowest_severity;  // "": all
};

class Logs {
 public:
  struct Options {
    ByteCount largest_file = mib(10);
  };
  /// `folder` is made when the first line comes.
  Logs(io::Disk& disk, std::string folder) : Logs(disk, std::move(folder), Options()) {}
  Logs(io::Disk& disk, std::string folder, Options options);
  ~Logs();

  void append(const LogLine& line);
  enum class Kind { kLines, kRequests };
  const std::string& folder() const { return folder_; }
  /// `age` 0: what is written now; 1: what was before it.
  std::string path(const ServiceId& service, Kind kind, int age) const;

  /// Oldest first. A service without a log has none. Lines that cannot be read are passed over.
  std::vector<LogLine> read(const ServiceId& service, const LogFilter& filter) const;
  /// `on_line` is called inside append().
  std::unique_ptr<LogSubscription> follow(const ServiceId& service,
                                          std::function<void(const LogLine&)> on_line);
  bool is_followed(std::string_view service) const;
  /// Passes on a line that somebody else has written.
  void tell(const LogLine& line);
  /// Removes a deleted service's files.
  void remove(const ServiceId& service);
  uint64_t dropped() const { return dropped_; }

 private:
  class Following;
  struct Log {
    std::unique_ptr<io::AppendFile> file;
    std::vector<Following*> followers;
  };

  void read_kind(const ServiceId& service, Kind kind, const LogFilter& filter,
                 std::vector<LogLine>& found) const;
  Status write(const ServiceId& service, Log& log, const std::string& text);

  io::Disk& disk_;
  std::string folder_;
  Options options_;
  std::unordered_map<ServiceId, Log> logs_;
  size_t followers_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace thaw::telemetry
