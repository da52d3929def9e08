// PushDesk: the pushes of a bucket's notifications that a forecast server was given: which of them
// run, what each one waits for, and who is told how it ended. What a push does is its job's
// decision (batch_job.h, manifest_job.h).
//
// A push that comes again while its job is under way waits for that one.
// **Thread**: the loop's. **Owner**: net and loop outlive it. Forecasts that it asked for may end
// after it. **Limits**: kMaxPushes deliveries wait for their answers, more are told 429 unread.
// Inputs are read while kMaxInputBytes of them are held, till they are forecast; then reads wait
// in turn. Besides, a job in pieces holds what panel_batch.h says.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "http/client.h"
#include "http/message.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/net.h"
#include "predict/batch_step.h"

namespace thaw::predict {

/// Where files are read and written; nothing of it is needed for POST /predict.
struct BatchOptions {
  std::optional<io::SocketAddress> store;  // the Cloud Storage API, over http
  std::string output_bucket;               // "": pushes are refused
};

class PushDesk {
 public:
  static constexpr size_t kMaxPushes = 128;  // over the 80 that Cloud Run sends to an instance
  static constexpr int64_t kMaxInputBytes = 4 * kMostInputBytes;

  /// Answers as POST /predict does, at once or in a later turn.
  using Forecast = std::function<void(http::Request, std::function<void(http::Response)> done)>;

  /// What a delivery was answered, and after how long; 499: it had left by then.
  using OnAnswer = std::function<void(int status, Duration took)>;

  PushDesk(io::Net& net, io::Loop& loop, BatchOptions options, Forecast forecast,
           OnAnswer on_answer);
  ~PushDesk();

  void take(const http::Request& request, http::Responder responder);

 private:
  struct Push;
  /// One of a push, which may come again while it is under way.
  struct Delivery {
    http::Responder responder;
    Instant since;
  };
  struct Read {
    std::shared_ptr<Push> push;
    StoreCall call;
  };
  size_t deliveries();
  void go_on(const std::shared_ptr<Push>& push, BatchStep step);
  void call(const std::shared_ptr<Push>& push, StoreCall wanted);
  void hold(Push& push, int64_t bytes);
  void start_reads();
  void answer(Push& push, const http::Response& response);
  void answer(Delivery& delivery, http::Response response);

  io::Loop& loop_;
  BatchOptions options_;
  Forecast forecast_;
  OnAnswer on_answer_;
  http::Client client_;
  std::map<std::string, std::shared_ptr<Push>> pushes_;  // under way
  std::deque<Read> reads_;                               // that wait for their turn
  int64_t held_ = 0;                                     // bytes of inputs
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace thaw::predict
