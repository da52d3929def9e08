#include "predict/server.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>
#include <variant>

#include "base/json.h"
#include "predict/manifest_job.h"

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

http::Response refused(int status, std::string_view name, std::string_view message) {
  const Json error = Json::object({{"code", status}, {"message", message}, {"status", name}});
  return http::Response::json(status, Json::object({{"error", error}}).dump() + '\n');
}

/// A forecast on its way: written by the loop, then by the worker, then read by the loop.
struct Job {
  http::Request request;
  http::Response response;
};

}  // namespace

/// A push under way: its job, and the call that it waits for.
struct ForecastServer::Push {
  using AnyJob = std::variant<BatchJob, ManifestJob>;
  Push(AnyJob made, std::string name) : job(std::move(made)), key(std::move(name)) {}

  BatchJob::Step begin() {
    return std::visit([](auto& each) { return each.begin(); }, job);
  }
  BatchJob::Step on_store(const Result<http::Response>& answer) {
    return std::visit([&](auto& each) { return each.on_store(answer); }, job);
  }
  BatchJob::Step on_forecast(const http::Response& answer) {
    return std::visit([&](auto& each) { return each.on_forecast(answer); }, job);
  }

  AnyJob job;
  std::string key;                          // in pushes_
  std::vector<http::Responder> responders;  // of each delivery that came meanwhile
  std::unique_ptr<http::Call> call;
};

ForecastServer::ForecastServer(io::Net& net, io::Loop& loop, io::Worker& worker,
                               std::shared_ptr<const SavedModel> fitted, BatchOptions batch,
                               CountryTable countries)
    : loop_(loop),
      worker_(worker),
      fitted_(std::move(fitted)),
      countries_(std::move(countries)),
      client_(net, loop, {.max_body = mib(32)}),
      batch_(std::move(batch)),
      server_(net, loop, {}, [this](http::Request request, http::Responder responder) {
        handle(std::move(request), std::move(responder));
      }) {}

Result<io::SocketAddress> ForecastServer::listen(const io::SocketAddress& address) {
  return server_.listen(address);
}

void ForecastServer::drain(std::function<void()> done) { server_.drain(std::move(done)); }

void ForecastServer::handle(http::Request request, http::Responder responder) {
  if (request.path == "/" && request.method == "POST") {
    return push(request, std::move(responder));
  }
  if (request.path == "/metrics" && request.method == "GET") {
    return responder.answer(http::Response::text(200, stats_->render(waiting_->forecasts)));
  }
  const bool is_known = request.path == "/predict" || request.path == "/cross_validate";
  const std::string path = is_known ? request.path : "";
  if (!is_known || request.method != "POST") {
    http::Response answer = respond(request, fitted_);
    stats_->on_answer(path, answer.status, Duration(0));
    return responder.answer(std::move(answer));
  }
  const auto shared = std::make_shared<http::Responder>(std::move(responder));
  const auto is_gone = std::make_shared<std::atomic<bool>>(false);
  shared->when_gone([is_gone] { *is_gone = true; });
  const bool taken = forecast(
      std::move(request), [is_gone] { return !*is_gone; },
      [shared, path, stats = stats_, &loop = loop_, since = loop_.now()](http::Response answer) {
        stats->on_answer(path, answer.status, loop.now() - since);
        shared->answer(std::move(answer));
      });
  if (taken) return;
  stats_->on_answer(path, kBusy, Duration(0));
  shared->answer(busy());
}

bool ForecastServer::forecast(http::Request request, std::function<bool()> is_wanted,
                              std::function<void(http::Response)> done) {
  const size_t bytes = request.body.size();
  if (waiting_->forecasts >= kMaxWaiting ||
      (waiting_->forecasts > 0 && waiting_->bytes + bytes > kMaxWaitingBytes)) {
    return false;
  }
  const auto job = std::make_shared<Job>();
  job->request = std::move(request);
  const Status accepted = worker_.run(
      [job, is_wanted = std::move(is_wanted), fitted = fitted_, countries = countries_] {
        if (is_wanted()) job->response = respond(job->request, fitted, countries);
      },
      [job, done = std::move(done), waiting = waiting_, bytes] {
        --waiting->forecasts;
        waiting->bytes -= bytes;
        done(std::move(job->response));
      });
  if (accepted) {
    ++waiting_->forecasts;
    waiting_->bytes += bytes;
  }
  return accepted.has_value();
}

// ---- Pushes of a bucket's notifications ----

void ForecastServer::push(const http::Request& request, http::Responder responder) {
  if (batch_.output_bucket.empty() || !batch_.store) {
    return responder.answer(refused(
        503, "FAILED_PRECONDITION",
        batch_.store ? "pushes need an output bucket: thaw serve --output-bucket NAME"
                     : "pushes need the object store: set STORAGE_EMULATOR_HOST to its address"));
  }
  auto input = read_notification(request.body);
  if (!input) return responder.answer(refused(400, "INVALID_ARGUMENT", input.error().message()));
  if (!*input) return responder.answer(http::Response::json(200, "{}\n"));  // nothing to do
  InputObject object = **std::move(input);
  std::string key =
      fmt::format("{}/{}#{}?{}", object.bucket, object.name, object.generation, request.target);
  if (const auto running = pushes_.find(key); running != pushes_.end()) {
    running->second->responders.push_back(std::move(responder));
    return;
  }
  const bool is_list = is_manifest(object.name) && object.bucket != batch_.output_bucket;
  Push::AnyJob job =
      is_list ? Push::AnyJob(ManifestJob(std::move(object), batch_.output_bucket, request.query))
              : Push::AnyJob(BatchJob(std::move(object), batch_.output_bucket, request.query));
  const auto push = std::make_shared<Push>(std::move(job), std::move(key));
  push->responders.push_back(std::move(responder));
  pushes_[push->key] = push;
  go_on(push, push->begin());
}

void ForecastServer::go_on(const std::shared_ptr<Push>& push, BatchJob::Step step) {
  constexpr Duration kPatience = seconds(60);  // with one call to the object store
  if (auto* done = std::get_if<BatchJob::Finish>(&step)) {
    return answer(*push, done->response);
  }
  if (auto* wanted = std::get_if<BatchJob::Forecast>(&step)) {
    const bool taken = forecast(
        std::move(wanted->request), [] { return true; },
        [this, push](http::Response answer) { go_on(push, push->on_forecast(answer)); });
    if (!taken) answer(*push, busy());
    return;
  }
  http::Request& request = std::get<BatchJob::CallStore>(step).request;
  push->call = client_.fetch(*batch_.store, std::move(request), kPatience,
                             [this, push](Result<http::Response> answer) {
                               const auto call = std::move(push->call);
                               go_on(push, push->on_store(answer));
                             });
}

/// All who wait for it.
void ForecastServer::answer(Push& push, const http::Response& response) {
  pushes_.erase(push.key);
  for (http::Responder& each : push.responders) each.answer(response);
}

}  // namespace thaw::predict
