// The model server of `thaw serve --task forecast`: forecasts over HTTP, an ordinary container.
//
//   POST /predict   a series as CSV or JSON in, its forecast in the same form out; options in the
//                   query, e.g. /predict?periods=14&freq=W (names: request.h). Accept: text/csv,
//                   application/json or text/plain (a drawing and a table) chooses another form.
//   POST /cross_validate   the measures of forecasts from earlier days, as `thaw forecast
//                   --cross-validate`; its own words (horizon, period, ...) are in the query
//   POST /          a push of a bucket's notification: the file's forecast goes to the output
//   bucket,
//                   with the options of the push endpoint's query (batch_job.h). A push that comes
//                   again while its job is under way waits for that one
//   GET /health /ready     200 while the server takes requests
//   GET /metrics /docs /openapi.json
//   GET /           how to use it
// Faults are answered as {"error": {"code", "message", "status"}}, the code being the HTTP status.
// Thread: the loop's; fits run in the worker, so that /health answers meanwhile. Owner: net, loop
// and worker outlive it. Limits: bodies of 32 MiB (413), kMaxWaiting forecasts at once with bodies
// of kMaxWaitingBytes together (429), those of Series and the options (400); a forecast takes
// milliseconds, at the limits some seconds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "http/message.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/worker.h"
#include "predict/batch_job.h"
#include "predict/country_holidays.h"
#include "predict/saved_model.h"
#include "predict/server_stats.h"

namespace thaw::predict {

/// The answer to one request; pure, any thread. With a fitted model /predict takes rows to be
/// forecast instead of a history.
http::Response respond(const http::Request& request,
                       const std::shared_ptr<const SavedModel>& fitted = nullptr,
                       const CountryTable& countries = nullptr);

/// Where files are read and written; nothing of it is needed for POST /predict.
struct BatchOptions {
  std::optional<io::SocketAddress> store;  // the Cloud Storage API, over http
  std::string output_bucket;               // "": pushes are refused
};

class ForecastServer {
 public:
  static constexpr size_t kMaxWaiting = 64;
  static constexpr size_t kMaxWaitingBytes = 128 << 20;  // one body may always wait

  ForecastServer(io::Net& net, io::Loop& loop, io::Worker& worker,
                 std::shared_ptr<const SavedModel> fitted = nullptr, BatchOptions batch = {},
                 CountryTable countries = nullptr);

  /// Answers the address with the port that was chosen.
  Result<io::SocketAddress> listen(const io::SocketAddress& address);
  /// Accepts nothing more, finishes what runs, then calls `done` in a later turn.
  void drain(std::function<void()> done);

 private:
  struct Push;
  void handle(http::Request request, http::Responder responder);
  /// Runs `done` with the answer to a request for a forecast, or false: too many wait.
  bool forecast(http::Request request, std::function<bool()> is_wanted,
                std::function<void(http::Response)> done);
  void push(const http::Request& request, http::Responder responder);
  void go_on(const std::shared_ptr<Push>& push, BatchJob::Step step);
  void answer(Push& push, const http::Response& response);

  io::Loop& loop_;
  io::Worker& worker_;
  std::shared_ptr<const SavedModel> fitted_;
  CountryTable countries_;
  http::Client client_;
  BatchOptions batch_;
  struct Waiting {
    size_t forecasts = 0, bytes = 0;
  };
  std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();  // not yet answered
  std::map<std::string, std::shared_ptr<Push>> pushes_;             // under way
  std::shared_ptr<ServerStats> stats_ = std::make_shared<ServerStats>();
  http::Server server_;
};

}  // namespace thaw::predict
