#include "predict/push_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "predict/batch_job.h"
#include "predict/error_response.h"
#include "predict/manifest_job.h"

namespace thaw::predict {

namespace {

constexpr int kGone = 499;  // as proxies count a client that left before the answer

}  // namespace

/// A push under way: its job, and the call that it waits for.
struct PushDesk::Push {
  using AnyJob = std::variant<BatchJob, ManifestJob>;
  Push(AnyJob made, std::string name) : job(std::move(made)), key(std::move(name)) {}

  BatchStep begin() {
    return std::visit([](auto& each) { return each.begin(); }, job);
  }
  BatchStep on_store(const Result<http::Response>& answer) {
    return std::visit([&](auto& each) { return each.on_store(answer); }, job);
  }
  BatchStep on_forecast(const http::Response& answer) {
    return std::visit([&](auto& each) { return each.on_forecast(answer); }, job);
  }

  AnyJob job;
  std::string key;                   // in pushes_
  std::vector<Delivery> deliveries;  // that came meanwhile
  std::unique_ptr<http::Call> call;
  int64_t held = 0;  // bytes of its input, as held_ counts them
};

PushDesk::PushDesk(io::Net& net, io::Loop& loop, BatchOptions options, Forecast forecast,
                   OnAnswer on_answer)
    : loop_(loop),
      options_(std::move(options)),
      forecast_(std::move(forecast)),
      on_answer_(std::move(on_answer)),
      client_(net, loop, {.max_body = mib(32)}) {}

PushDesk::~PushDesk() {
  for (const auto& [key, push] : pushes_) push->call.reset();  // its callback holds the push
}

void PushDesk::take(const http::Request& request, http::Responder responder) {
  Delivery delivery{std::move(responder), loop_.now()};
  if (options_.output_bucket.empty() || !options_.store) {
    return answer(delivery,
                  error_response(503, "FAILED_PRECONDITION",
                                 options_.store ? "pushes need an output bucket: thaw serve "
                                                  "--output-bucket NAME"
                                                : "pushes need the object store: set "
                                                  "STORAGE_EMULATOR_HOST to its address"));
  }
  auto input = read_notification(request.body);
  if (!input) return answer(delivery, error_response(input.error()));
  if (!*input) return answer(delivery, http::Response::json(200, "{}\n"));  // nothing to do
  if (deliveries() >= kMaxPushes) {
    http::Response busy =
        error_response(429, "RESOURCE_EXHAUSTED", "too many files wait: try again soon");
    busy.headers.add("retry-after", "1");
    return answer(delivery, std::move(busy));
  }
  InputObject object = **std::move(input);
  std::string key =
      fmt::format("{}/{}#{}?{}", object.bucket, object.name, object.generation, request.target);
  if (const auto running = pushes_.find(key); running != pushes_.end()) {
    running->second->deliveries.push_back(std::move(delivery));
    return;
  }
  const bool is_list = is_manifest(object.name) && object.bucket != options_.output_bucket;
  Push::AnyJob job =
      is_list ? Push::AnyJob(ManifestJob(std::move(object), options_.output_bucket, request.query))
              : Push::AnyJob(BatchJob(std::move(object), options_.output_bucket, request.query));
  const auto push = std::make_shared<Push>(std::move(job), std::move(key));
  push->deliveries.push_back(std::move(delivery));
  pushes_[push->key] = push;
  go_on(push, push->begin());
}

/// That still wait for an answer; a job goes on when all of its own have gone, for the next one.
size_t PushDesk::deliveries() {
  size_t count = 0;
  for (const auto& [key, push] : pushes_) {
    std::erase_if(push->deliveries, [this](const Delivery& each) {
      if (each.responder.is_gone()) on_answer_(kGone, loop_.now() - each.since);
      return each.responder.is_gone();
    });
    count += std::max<size_t>(1, push->deliveries.size());
  }
  return count;
}

void PushDesk::go_on(const std::shared_ptr<Push>& push, BatchStep step) {
  if (auto* done = std::get_if<BatchEnd>(&step)) return answer(*push, done->response);
  if (auto* wanted = std::get_if<ForecastCall>(&step)) {
    return forecast_(std::move(wanted->request), [this, push, alive = std::weak_ptr<int>(alive_)](
                                                     const http::Response& answer) {
      if (alive.expired()) return;
      hold(*push, 0);
      go_on(push, push->on_forecast(answer));
    });
  }
  StoreCall& next = std::get<StoreCall>(step);
  if (next.most_bytes == 0) return call(push, std::move(next));
  hold(*push, 0);  // or those that wait here could wait for each other
  reads_.push_back({push, std::move(next)});
  start_reads();
}

void PushDesk::call(const std::shared_ptr<Push>& push, StoreCall wanted) {
  constexpr Duration kPatience = seconds(60);  // with one call to the object store
  push->call =
      client_.fetch(*options_.store, std::move(wanted.request), kPatience,
                    [this, push, reads = wanted.most_bytes > 0](const Result<http::Response>& got) {
                      const auto call = std::move(push->call);
                      if (reads) hold(*push, got ? static_cast<int64_t>(got->body.size()) : 0);
                      go_on(push, push->on_store(got));
                    });
}

void PushDesk::hold(Push& push, int64_t bytes) {
  held_ += bytes - std::exchange(push.held, bytes);
  start_reads();
}

void PushDesk::start_reads() {
  while (!reads_.empty() &&
         (held_ == 0 || held_ + reads_.front().call.most_bytes <= kMaxInputBytes)) {
    Read next = std::move(reads_.front());
    reads_.pop_front();
    held_ += next.call.most_bytes - std::exchange(next.push->held, next.call.most_bytes);
    call(next.push, std::move(next.call));
  }
}

/// All who wait for it.
void PushDesk::answer(Push& push, const http::Response& response) {
  hold(push, 0);
  pushes_.erase(push.key);
  for (Delivery& each : push.deliveries) answer(each, response);
}

void PushDesk::answer(Delivery& delivery, http::Response response) {
  const int status = delivery.responder.is_gone() ? kGone : response.status;
  on_answer_(status, loop_.now() - delivery.since);
  delivery.responder.answer(std::move(response));
}

}  // namespace thaw::predict
