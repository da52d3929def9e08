#include "predict/server.h"

#include <atomic>
#include <utility>

namespace thaw::predict {
namespace {

constexpr int kBusy = 429;
constexpr const char* kBusyBody =
    "{\"error\":{\"code\":429,\"message\":\"too many forecasts wait: try again soon\","
    "\"status\":\"RESOURCE_EXHAUSTED\"}}\n";

http::Response busy() {
  http::Response response = http::Response::json(kBusy, kBusyBody);
  response.headers.add("retry-after", "1");
  return response;
}

/// A forecast on its way: written by the loop, then by the worker, then read by the loop.
struct Job {
  http::Request request;
  http::Response response;
  std::atomic<bool> is_abandoned = false;  // the client has gone: not worth computing
};

}  // namespace

ForecastServer::ForecastServer(io::Net& net, io::Loop& loop, io::Worker& worker,
                               std::shared_ptr<const SavedModel> fitted)
    : worker_(worker),
      fitted_(std::move(fitted)),
      server_(net, loop, {}, [this](http::Request request, http::Responder responder) {
        handle(std::move(request), std::move(responder));
      }) {}

Result<io::SocketAddress> ForecastServer::listen(const io::SocketAddress& address) {
  return server_.listen(address);
}

void ForecastServer::drain(std::function<void()> done) { server_.drain(std::move(done)); }

void ForecastServer::handle(http::Request request, http::Responder responder) {
  if (request.path != "/predict" || request.method != "POST") {
    responder.answer(respond(request, fitted_));
    return;
  }
  if (*waiting_ >= kMaxWaiting) {
    responder.answer(busy());
    return;
  }
  const auto job = std::make_shared<Job>();
  job->request = std::move(request);
  const auto shared = std::make_shared<http::Responder>(std::move(responder));
  shared->when_gone([job] { job->is_abandoned = true; });
  const Status accepted = worker_.run(
      [job, fitted = fitted_] {
        if (!job->is_abandoned) job->response = respond(job->request, fitted);
      },
      [job, shared, waiting = waiting_] {
        --*waiting;
        shared->answer(std::move(job->response));
      });
  if (accepted) {
    ++*waiting_;
  } else {
    shared->answer(busy());
  }
}

}  // namespace thaw::predict
