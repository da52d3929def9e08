// Processes: starting programs, following them, ending them.
//
// Never a shell: argv goes to exec as it is. Thread: the loop's. Owner: dropping a Process stops
// following it but does not end it; no callback comes afterwards.
// Limits: what the kernel grants.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/net.h"

namespace thaw::io {

struct ProcessExit {
  int code = 0;       // when signal == 0
  int signal = 0;     // what ended it, or 0
  bool known = true;  // false: it was not our child, so only its end was seen
};

struct SpawnOptions {
  std::vector<std::string> argv;  // argv[0] is a path, or a name to be found in PATH
  std::vector<std::string> env;   // "NAME=value", all of it: nothing is inherited
  std::string working_dir;        // empty: ours
  enum class Output { kNull, kInherit, kCapture };
  Output out = Output::kNull;
  Output err = Output::kNull;
  enum class Group { kOurs, kOwnSession };
  Group group = Group::kOurs;
  enum class Parent { kMayOutlive, kDiesWithUs };  // kDiesWithUs: SIGKILL when this thread ends
  Parent parent = Parent::kMayOutlive;
};

class Process {
 public:
  virtual ~Process() = default;
  virtual pid_t pid() const = 0;
  /// Sends to this process only, never to one that reuses its pid. kNotFound once it has ended.
  virtual Status signal(int number) = 0;
  /// Sends to the session that Group::kOwnSession made. kNotFound when it is empty.
  virtual Status signal_group(int number) = 0;
  /// The read ends for Output::kCapture; null otherwise and the second time. They stay readable as
  /// long as any descendant holds the write end.
  virtual std::unique_ptr<Stream> take_out() = 0;
  virtual std::unique_ptr<Stream> take_err() = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;
  using OnExit = std::function<void(ProcessExit)>;

  /// Errors of exec itself ("exec /app: No such file or directory") are returned here.
  virtual Result<std::unique_ptr<Process>> spawn(const SpawnOptions& options, OnExit on_exit) = 0;
  /// Follows a running process that we did not spawn. Its exit is known when we are its reaper.
  virtual Result<std::unique_ptr<Process>> adopt(pid_t pid, OnExit on_exit) = 0;
};

}  // namespace thaw::io
