// The model server of `thaw serve --task forecast`: forecasts over HTTP, an ordinary container.
//
//   POST /predict   a series as CSV or JSON in, its forecast in the same form out; options in the
//                   query, e.g. /predict?periods=14&freq=W (names: request.h). Accept: text/csv,
//                   application/json or text/plain (a drawing and a table) chooses another form.
//   POST /cross_validate   the measures of forecasts from earlier days, as `thaw forecast
//                   --cross-validate`; its own words (horizon, period, ...) are in the query
//   POST /          a push of a bucket's notification: the file's forecast goes to the output
//                   bucket, with the options of the push endpoint's query (push_desk.h)
//   GET /health /ready     200 while the server takes requests
//   GET /metrics /docs /openapi.json
//   GET /           how to use it
// Faults are answered as {"error": {"code", "message", "status"}}, the code being the HTTP status.
// Thread: the loop's; fits run in the worker, so that /health answers meanwhile. Owner: net, loop
// and worker outlive it. Limits: bodies of 32 MiB (413), kMaxWaiting forecasts at once with bodies
// of kMaxWaitingBytes together (429), those of Series, the options and respond() (400, 413). A
// series takes milliseconds, at the limits some seconds; many of them at theirs, half a minute. A
// caller that leaves is given up between two series or two cutoffs and at each step of a fit, and
// so is a forecast of over kLongestForecast (400).
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/result.h"
#include "http/message.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/worker.h"
#include "predict/country_holidays.h"
#include "predict/push_desk.h"
#include "predict/saved_model.h"
#include "predict/server_stats.h"
#include "predict/wanted.h"

namespace thaw::predict {

/// Draws of the intervals that many series, or the cutoffs of one, may have together: rows to be
/// forecast times uncertainty_samples.
inline constexpr size_t kMostDrawsTogether = 100'000'000;

/// The answer to one request; pure, any thread. With a fitted model /predict takes rows to be
/// forecast instead of a history. Many series that are too much together are kTooMuch. `is_wanted`
/// is asked between two series or cutoffs and at each step of a fit; once it says no, the answer is
/// 499.
http::Response respond(const http::Request& request,
                       const std::shared_ptr<const SavedModel>& fitted = nullptr,
                       const CountryTable& countries = nullptr,
                       const IsWanted& is_wanted = nullptr);

/// What the process did before it had a server, since it was executed.
struct ServerStart {
  Duration began{};   // to be a server
  Duration loaded{};  // its model, if it has one
};

class ForecastServer {
 public:
  static constexpr size_t kMaxWaiting = 64;
  static constexpr size_t kMaxWaitingBytes = 128 << 20;  // one body may always wait
  /// One that takes longer is given up and told so: it is far beyond what its estimate says, and
  /// holds up all others.
  static constexpr Duration kLongestForecast = seconds(300);

  /// `longest`: kLongestForecast, or less.
  ForecastServer(io::Net& net, io::Loop& loop, io::Worker& worker,
                 std::shared_ptr<const SavedModel> fitted = nullptr, BatchOptions batch = {},
                 CountryTable countries = nullptr, ServerStart start = {},
                 Duration longest = kLongestForecast);

  /// Answers the address with the port that was chosen.
  Result<io::SocketAddress> listen(const io::SocketAddress& address);
  /// Accepts nothing more, finishes what runs, then calls `done` in a later turn.
  void drain(std::function<void()> done);

 private:
  using IsGone = std::shared_ptr<std::atomic<bool>>;
  struct Counters;
  void handle(http::Request request, http::Responder responder);
  void answer_metrics(const http::Request& request, http::Responder responder);
  bool is_busy(size_t bytes) const;
  Status forecast(http::Request request, const IsGone& is_gone,
                  std::function<void(http::Response)> done);

  io::Loop& loop_;
  io::Worker& worker_;
  std::shared_ptr<const SavedModel> fitted_;
  CountryTable countries_;
  const Duration longest_;
  std::shared_ptr<Counters> counters_;  // jobs may end after us
  PushDesk pushes_;
  http::Server server_;
};

}  // namespace thaw::predict
