#include "predict/server.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

constexpr int kGone = 499;  // as proxies count a client that left before the answer

http::Response busy() {
  http::Response response =
      error_response(429, "RESOURCE_EXHAUSTED", "too many forecasts wait: try again soon");
  response.headers.add("retry-after", "1");
  return response;
}

/// The loop's belongs to its thread.
using WorkerClock = std::chrono::steady_clock;

http::Response late(Duration longest) {
  return error_response(
      Error(Code::kOutOfRange,
            fmt::format("the forecast was given up after {:g} s: use fewer rows, holidays, "
                        "regressors or changepoints, or lower Fourier orders",
                        to_seconds(longest))));
}

/// A forecast on its way: written by the loop, then by the worker, then read by the loop.
struct Job {
  http::Request request;
  http::Response response;
};

}  // namespace

struct ForecastServer::Counters {
  ServerStats stats;
  size_t forecasts = 0, bytes = 0;  // not yet answered
  Instant executed;
  bool answered_once = false;

  void on_forecast(Instant now, Instant began) {
    if (std::exchange(answered_once, true)) return;
    stats.on_step("first answer", now - executed);
    log_info("first answer",
             {{"after_ms", to_millis(now - executed)}, {"forecast_ms", to_millis(now - began)}});
  }
};

ForecastServer::ForecastServer(io::Net& net, io::Loop& loop, io::Worker& worker,
                               std::shared_ptr<const SavedModel> fitted, BatchOptions batch,
                               CountryTable countries, ServerStart start, Duration longest)
    : loop_(loop),
      worker_(worker),
      fitted_(std::move(fitted)),
      countries_(std::move(countries)),
      longest_(longest),
      counters_(std::make_shared<Counters>()),
      pushes_(
          net, loop, std::move(batch),
          [this](http::Request request, std::function<void(http::Response)> done) {
            // Bounded by the pushes; to refuse it would lose what is done of a large file.
            const Status taken = forecast(std::move(request), nullptr, done);
            if (!taken) done(busy());
          },
          [counters = counters_](int status, Duration took) {
            counters->stats.on_answer("/", status, took);
          }),
      server_(net, loop,
              {.fault =
                   [this](int status, std::string_view reason) {
                     counters_->stats.on_answer("", status, Duration(0));
                     return protocol_fault(status, reason);
                   }},
              [this](http::Request request, http::Responder responder) {
                handle(std::move(request), std::move(responder));
              }) {
  counters_->executed = loop.now() - start.loaded;
  counters_->stats.on_step("exec", start.began);
  counters_->stats.on_step("load", start.loaded);
}

Result<io::SocketAddress> ForecastServer::listen(const io::SocketAddress& address) {
  auto listening = server_.listen(address);
  counters_->stats.on_step("listen", loop_.now() - counters_->executed);
  return listening;
}

void ForecastServer::drain(std::function<void()> done) { server_.drain(std::move(done)); }

void ForecastServer::answer_metrics(const http::Request& request, http::Responder responder) {
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  responder.answer(is_read
                       ? http::Response::text(200, counters_->stats.render(counters_->forecasts))
                       : wrong_method(request.method, "GET, HEAD"));
}

void ForecastServer::handle(http::Request request, http::Responder responder) {
  if (request.path == "/" && request.method == "POST") {
    return pushes_.take(request, std::move(responder));
  }
  if (request.path == "/metrics") return answer_metrics(request, std::move(responder));
  const bool is_known = request.path == "/predict" || request.path == "/cross_validate";
  const std::string path = is_known ? request.path : "";
  const auto refuse = [&](http::Responder& to, http::Response response) {
    counters_->stats.on_answer(path, response.status, Duration(0));
    to.answer(std::move(response));
  };
  if (!is_known || request.method != "POST") return refuse(responder, respond(request, fitted_));
  if (is_busy(request.body.size())) return refuse(responder, busy());
  const auto shared = std::make_shared<http::Responder>(std::move(responder));
  const auto is_gone = std::make_shared<std::atomic<bool>>(false);
  shared->when_gone([is_gone] { *is_gone = true; });
  const Status taken = forecast(std::move(request), is_gone,
                                [shared, path, is_gone, counters = counters_, &loop = loop_,
                                 since = loop_.now()](http::Response answer) {
                                  const int status = *is_gone ? kGone : answer.status;
                                  counters->stats.on_answer(path, status, loop.now() - since);
                                  shared->answer(std::move(answer));
                                });
  if (!taken) refuse(*shared, busy());
}

bool ForecastServer::is_busy(size_t bytes) const {
  return counters_->forecasts >= kMaxWaiting ||
         (counters_->forecasts > 0 && counters_->bytes + bytes > kMaxWaitingBytes);
}

/// Runs `done` with the answer; kResourceExhausted: the worker is full, and nothing runs. `is_gone`
/// null: it is wanted in any case.
Status ForecastServer::forecast(http::Request request, const IsGone& is_gone,
                                std::function<void(http::Response)> done) {
  const size_t bytes = request.body.size();
  const auto job = std::make_shared<Job>();
  job->request = std::move(request);
  const Status taken = worker_.run(
      [job, is_gone, fitted = fitted_, countries = countries_, longest = longest_] {
        const auto waits = [&] { return !is_gone || !*is_gone; };
        if (!waits()) return;
        const auto until = WorkerClock::now() + longest;
        const auto is_wanted = [&] { return waits() && WorkerClock::now() < until; };
        job->response = respond(job->request, fitted, countries, is_wanted);
        if (job->response.status == kGone && waits()) job->response = late(longest);
      },
      [job, done = std::move(done), counters = counters_, bytes, &loop = loop_,
       began = loop_.now()] {
        --counters->forecasts;
        counters->bytes -= bytes;
        counters->on_forecast(loop.now(), began);
        done(std::move(job->response));
      });
  if (!taken) return taken;
  ++counters_->forecasts;
  counters_->bytes += bytes;
  return {};
}

}  // namespace thaw::predict
